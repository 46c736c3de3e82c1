// Structured lines for the operator, one JSON object each, on standard error. Never record data, never a secret.

export function logFailure(
  event: string,
  error: unknown,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  const trouble =
    error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) }
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), level: 'error', event, ...facts, ...trouble })}\n`,
  )
}
