// What every answer must be, whatever was asked: no failure of ours, nothing of the inside of the
// server, and a refusal as {error_code, message} whose code fits the status.

export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** What is wrong with the answer; empty: nothing. */
export function problemsOf(answer: Answer, method: string): readonly string[] {
  const { status, type, text } = answer
  const problems: string[] = []
  if (status >= 500) problems.push(`status ${status}`)
  if (status < 200 || (status >= 300 && status < 400)) problems.push(`status ${status} says nothing here`)
  if (looksInternal(text)) problems.push('the answer shows the inside of the server')
  if (method === 'HEAD' || status === 204) return problems
  if (status >= 400) problems.push(...refusalProblems(answer))
  else if (/json/.test(type)) problems.push(...text.split('\n').flatMap(jsonLineProblems))
  return problems
}

function refusalProblems({ status, type, text }: Answer): readonly string[] {
  if (!/^application\/(vnd\.kafka\.v2\+)?json/.test(type))
    return [`a refusal of type ${JSON.stringify(type)}`]
  const body = parse(text)
  if (body === undefined) return ['a refusal that is no JSON']
  const code = refusalCode(body)
  if (code === undefined) return ['a refusal without error_code and message']
  return code === status || Math.floor(code / 100) === status
    ? []
    : [`error_code ${code} with status ${status}`]
}

function refusalCode(body: unknown): number | undefined {
  if (typeof body !== 'object' || body === null || !('error_code' in body) || !('message' in body))
    return undefined
  const { error_code: code, message } = body
  return Number.isInteger(code) && typeof code === 'number' && typeof message === 'string' && message !== ''
    ? code
    : undefined
}

// Reports stand on lines of their own; every other JSON answer is one line.
function jsonLineProblems(line: string): readonly string[] {
  if (line === '') return []
  const value = parse(line)
  if (value === undefined) return ['an answer that is no JSON']
  const code = refusalCode(value)
  return code !== undefined && ((code >= 500 && code < 600) || code >= 50_000) ? [`a report of ${code}`] : []
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const internals = /\n\s+at |\\n\s+at |node:internal|node_modules|\.ts:\d|invariant|(Type|Range|Syntax)Error/

function looksInternal(text: string): boolean {
  return internals.test(text)
}
