// `npm run api-key`: makes API keys, lists and revokes them, in the data folder of a stopped server or on AWS.

import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { roleNames } from '../../security/roles.ts'
import { type OperatorKey, operatorKeyEvent, parseOperatorKey } from '../operatorKey.ts'
import { parseKeyWork, workOnKeys } from './keyWork.ts'
import { placeOptions } from './place.ts'
import { runCommand, UsageError } from './runCommand.ts'

const help = `Makes, lists and revokes API keys: of operators, and of clusters.

  npm run api-key -- create [--cluster c --owner shop [--role r [--resource TOPIC:orders]]] [--expires t]
    [--data ./data | --bucket b --table t]
  npm run api-key -- list [--cluster c] [--data ./data | --bucket b --table t]
  npm run api-key -- revoke --id ABCDEFGHIJKLMNOP [--data ./data | --bucket b --table t]
  npm run api-key -- --stage dev [--region eu-central-1]

  --cluster <id>     of this cluster; without it of the operators
  --owner <name>     whose it is: a service account of the cluster's organization, by its id or name; one of a new name
                     is made. Of an operator's key: any name (operator)
  --role <name>      what the owner may do there, from now on: ${roleNames.join(', ')}
  --resource <type:name>
                     what the role is about: TOPIC, GROUP or TRANSACTIONAL_ID; the name may end in * for a prefix
  --expires <time>   such as 2027-01-31T00:00:00Z; without it never
  --id <key>         the key to revoke
  --data <folder>    data folder of a stopped server (./data)
  --bucket, --table, --region, --endpoint
                     on AWS; to create, PEPPER is what the functions have under that name
  --stage <name>     the first key of a deployment: the compactor's function makes it, with the AWS credentials of
                     whoever runs this, who needs no pepper for that

A secret is printed once and stored nowhere.

Exit code: 0 it is done, 1 it failed, 2 wrong arguments.
`

await runCommand({
  help,
  argument: 'what to do: create, list or revoke',
  argumentIsOptional: true,
  options: {
    stage: { type: 'string' },
    ...placeOptions,
    owner: { type: 'string' },
    role: { type: 'string' },
    resource: { type: 'string' },
    expires: { type: 'string' },
    id: { type: 'string' },
  },
  parse: ({ stage, region, ...values }, verb) => {
    if (stage === undefined) return parseKeyWork(verb, { ...values, ...(region && { region }) }, process.env)
    if (verb !== '' || Object.keys(values).length > 0) {
      throw new UsageError('--stage goes with --region alone.')
    }
    return { functionName: `millrace-${stage}-compactor`, region }
  },
  run: async (work) => {
    if (!('functionName' in work)) return workOnKeys(work)
    const { functionName, region } = work
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
