// `npm run api-key`: makes an API key of an operator of a deployment on AWS and prints it, once.

import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { type OperatorKey, operatorKeyEvent, parseOperatorKey } from '../operatorKey.ts'
import { runCommand, UsageError } from './runCommand.ts'

const help = `Makes an API key of an operator of a deployment on AWS.

  npm run api-key -- --stage dev [--region eu-central-1]

Invokes millrace-<stage>-compactor with the AWS credentials of whoever runs it. The secret is printed once and stored
nowhere. An operator reaches every cluster and makes the keys of others: see docs/SECURITY.md.

Exit code: 0 it is made, 1 it failed, 2 wrong arguments.
`

await runCommand({
  help,
  options: { stage: { type: 'string' }, region: { type: 'string' } },
  parse: ({ stage, region }) => {
    if (stage === undefined) throw new UsageError('--stage is missing.')
    return { functionName: `millrace-${stage}-compactor`, region }
  },
  run: async ({ functionName, region }) => {
    const client = new LambdaClient(region === undefined ? {} : { region })
    try {
      process.stdout.write(render(await invoke(client, functionName)))
      return 0
    } finally {
      client.destroy()
    }
  },
})

async function invoke(client: LambdaClient, functionName: string): Promise<OperatorKey> {
  const payload = Buffer.from(JSON.stringify(operatorKeyEvent))
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName: functionName, Payload: payload }),
  )
  const text = Buffer.from(Payload ?? []).toString()
  if (FunctionError !== undefined) throw new Error(`${functionName} failed: ${text.slice(0, 500)}`)
  return parseOperatorKey(JSON.parse(text))
}

function render({ keyId, secret, clusterId }: OperatorKey): string {
  return `key      ${keyId}\nsecret   ${secret}\ncluster  ${clusterId}\n`
}
