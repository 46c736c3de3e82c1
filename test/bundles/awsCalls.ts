// Which AWS calls a request to an emulator is: action and resource as IAM names them. The function that makes it signs
// with its own name as the access key, so that its requests can be told from others'.
import type { IncomingHttpHeaders } from 'node:http'

export interface AwsCall {
  readonly function: string
  readonly action: string
  readonly resource: string
}

export interface AwsRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Named = Omit<AwsCall, 'function'>

export const region = 'us-east-1'
export const account = '000000000000'
const place = `${region}:${account}`

export function awsCallsOf(request: AwsRequest): readonly AwsCall[] {
  const [, caller = 'nobody'] = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '') ?? []
  return namedCalls(request).map((call) => ({ function: caller, ...call }))
}

function namedCalls(request: AwsRequest): readonly Named[] {
  const { headers, url } = request
  if (headers['x-amz-target'] !== undefined) return tableCalls(String(headers['x-amz-target']), request.body)
  const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname) ?? []
  if (name === undefined) return bucketCalls(request)
  const version = url.searchParams.get('Qualifier')
  return [
    { action: 'lambda:InvokeFunction', resource: `arn:aws:lambda:${place}:function:${name}:${version}` },
  ]
}

/** The right to a transaction is the right to each of its writes. */
const transactionActions = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
}

function tableCalls(target: string, text: string): readonly Named[] {
  const body = JSON.parse(text)
  const call = (action: string, table: string) => ({
    action: `dynamodb:${action}`,
    resource: `arn:aws:dynamodb:${place}:table/${table}`,
  })
  const [, operation = ''] = target.split('.')
  if (operation !== 'TransactWriteItems') return [call(operation, body.TableName)]
  return Object.entries(transactionActions).flatMap(([kind, action]) =>
    body.TransactItems.filter((item: object) => kind in item).map(
      (item: Record<string, { TableName: string }>) => call(action, item[kind]?.TableName ?? ''),
    ),
  )
}

function bucketCalls({ method, url, body }: AwsRequest): readonly Named[] {
  const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/')
  const call = (action: string, key?: string) => ({
    action: `s3:${action}`,
    resource: `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`,
  })
  if (method === 'POST' && url.searchParams.has('delete')) {
    return [...body.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => call('DeleteObject', key))
  }
  if (method === 'GET' && url.searchParams.has('list-type')) return [call('ListBucket')]
  // Every request of a multipart upload but its end needs the right to put.
  const actions: Readonly<Record<string, string>> = { GET: 'GetObject', DELETE: 'AbortMultipartUpload' }
  return [call(actions[method] ?? 'PutObject', rest.join('/'))]
}
