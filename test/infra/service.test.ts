import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Match, type Template } from 'aws-cdk-lib/assertions'
import { parseAppConfig } from '../../shared/runtime/awsConfig.ts'
import { requestMsMax } from '../../shared/runtime/computeLimits.ts'
import { originSecretHeader } from '../../shared/runtime/frontDoorHeaders.ts'
import { production, resourcesOf, settings, synthesise } from './synthesised.ts'

const web = synthesise(production).templates.service
const event = synthesise({ ...settings, compute: 'event' }).templates.service

const secretOf = (id: string) => ['{{resolve:secretsmanager:', { Ref: id }, ':SecretString:::}}']

const onlyId = (template: Template, type: string, start: string): string => {
  const ids = resourcesOf(template, type).flatMap(([id]) => (id.startsWith(start) ? [id] : []))
  assert.equal(ids.length, 1, `${start}: ${ids}`)
  return ids[0] ?? ''
}

test('Web Functions run on Node 24, each with its role and its time, many requests at once', () => {
  web.resourceCountIs('AWS::Lambda::WebFunctionRevision', 2)
  for (const [name, role] of [
    ['produce', 'ProduceRole'],
    ['fetch', 'FetchRole'],
  ] as const) {
    web.hasResourceProperties('AWS::Lambda::WebFunction', { FunctionName: `millrace-prod-${name}` })
    web.hasResourceProperties('AWS::Lambda::WebFunctionRevision', {
      BuildConfig: { RuntimeConfig: { Runtime: 'nodejs24.x' } },
      ServiceConfig: {
        TimeoutSeconds: requestMsMax[name] / 1000,
        MaxConcurrencyPerEnvironment: 64,
        ExecutionRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${role}`), 'Arn'] },
        EnvironmentVariables: { AWS_LAMBDA_NODEJS_ENTRYPOINT: 'index.mjs' },
      },
    })
  }
  web.allResourcesProperties('AWS::Lambda::WebFunctionEndpoint', { EndpointName: 'live' })
})

test('event functions run the same on Graviton, and stream their answers', () => {
  event.resourceCountIs('AWS::Lambda::WebFunction', 0)
  for (const [name, role] of [
    ['produce', 'ProduceRole'],
    ['fetch', 'FetchRole'],
  ] as const) {
    event.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: `millrace-dev-${name}`,
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Timeout: requestMsMax[name] / 1000,
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'TRACE', LogGroup: Match.anyValue() },
      Role: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${role}`), 'Arn'] },
    })
  }
  event.resourceCountIs('AWS::Lambda::Url', 2)
  event.allResourcesProperties('AWS::Lambda::Url', { InvokeMode: 'RESPONSE_STREAM' })
})

test('a function of either kind finds in its environment what it wants to start', () => {
  const environments = [
    ...resourcesOf(web, 'AWS::Lambda::WebFunctionRevision').map(([, { Properties }]) =>
      Reflect.get(Object(Properties.ServiceConfig), 'EnvironmentVariables'),
    ),
    ...resourcesOf(event, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
      Properties.FunctionName === undefined ? [] : [Reflect.get(Object(Properties.Environment), 'Variables')],
    ),
  ]
  assert.equal(environments.length, 4)
  for (const environment of environments) {
    const known = Object.entries<unknown>(environment).map(([name, value]) => [name, stringOf(value)])
    const config = parseAppConfig({ ...Object.fromEntries(known), AWS_LAMBDA_FUNCTION_NAME: 'one' })
    assert.equal(config.clusterId, 'lkc-test')
    assert.equal(config.logLevel, 'INFO')
    assert.match(config.tableName, /^millrace-(dev|prod)-log$/)
  }
})

/** What CloudFormation would put in the place of a function of its own does not matter here. */
const stringOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value).replaceAll(',', ';')

test('the front door caches nothing, lets every method through and speaks TLS only', () => {
  for (const template of [web, event]) {
    const behavior = {
      ViewerProtocolPolicy: 'https-only',
      // AWS's own: caching disabled; all of the viewer's headers but Host.
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
      Compress: false,
      FunctionAssociations: [
        {
          EventType: 'viewer-request',
          FunctionARN: {
            'Fn::GetAtt': [onlyId(template, 'AWS::CloudFront::Function', 'Router'), 'FunctionARN'],
          },
        },
      ],
    }
    template.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: {
        DefaultCacheBehavior: { ...behavior, TargetOriginId: 'fetch' },
        CacheBehaviors: [{ ...behavior, TargetOriginId: 'produce' }],
        Origins: ['fetch', 'produce'].map((Id) =>
          Match.objectLike({
            Id,
            CustomOriginConfig: {
              OriginProtocolPolicy: 'https-only',
              OriginSSLProtocols: ['TLSv1.2'],
              OriginReadTimeout: 60,
              OriginKeepaliveTimeout: 60,
            },
          }),
        ),
      },
    })
    template.hasResourceProperties('AWS::CloudFront::Function', {
      FunctionConfig: { Runtime: 'cloudfront-js-2.0' },
      AutoPublish: true,
    })
  }
})

test('both functions know the secret that the front door shows, and the template does not', () => {
  const id = onlyId(web, 'AWS::SecretsManager::Secret', 'OriginSecret1')
  const secret = { 'Fn::Join': ['', secretOf(id)] }
  web.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: {
      Origins: Array.from({ length: 2 }, () =>
        Match.objectLike({ OriginCustomHeaders: [{ HeaderName: originSecretHeader, HeaderValue: secret }] }),
      ),
    },
  })
  web.allResourcesProperties('AWS::Lambda::WebFunctionRevision', {
    ServiceConfig: Match.objectLike({ EnvironmentVariables: Match.objectLike({ ORIGIN_SECRET: secret }) }),
  })
  web.hasResourceProperties('AWS::SecretsManager::Secret', {
    GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true },
    SecretString: Match.absent(),
    Name: Match.absent(),
  })
})

test('after a rotation the front door shows the new secret and the functions take the old one too', () => {
  const { service } = synthesise({ ...settings, originSecretGeneration: 3 }).templates
  service.resourceCountIs('AWS::SecretsManager::Secret', 2)
  const current = secretOf(onlyId(service, 'AWS::SecretsManager::Secret', 'OriginSecret3'))
  const before = secretOf(onlyId(service, 'AWS::SecretsManager::Secret', 'OriginSecret2'))
  const [prefix, currentRef, suffix] = current
  const both = [prefix, currentRef, `${suffix},${before[0]}`, before[1], before[2]]
  service.allResourcesProperties('AWS::Lambda::WebFunctionRevision', {
    ServiceConfig: Match.objectLike({
      EnvironmentVariables: Match.objectLike({ ORIGIN_SECRET: { 'Fn::Join': ['', both] } }),
    }),
  })
  const shown = JSON.stringify(resourcesOf(service, 'AWS::CloudFront::Distribution'))
  assert.match(shown, /OriginSecret3/)
  assert.doesNotMatch(shown, /OriginSecret2/)
})

test("a domain and a web ACL are the front door's where they are set", () => {
  const certificateArn = 'arn:aws:acm:us-east-1:111122223333:certificate/1'
  const webAclArn = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/millrace/1'
  const domain = { name: 'log.example.com', certificateArn }
  const { service } = synthesise({ ...settings, domain, webAclArn }).templates
  service.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: {
      Aliases: ['log.example.com'],
      WebACLId: webAclArn,
      ViewerCertificate: {
        AcmCertificateArn: certificateArn,
        MinimumProtocolVersion: 'TLSv1.2_2021',
        SslSupportMethod: 'sni-only',
      },
    },
  })
  service.hasOutput('BaseUrl', { Value: 'https://log.example.com' })
  service.hasOutput('DomainTarget', {})
  web.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: { Aliases: Match.absent(), WebACLId: Match.absent() },
  })
})

test('the outputs say where to send requests and how to make the first key', () => {
  const front = onlyId(web, 'AWS::CloudFront::Distribution', 'FrontDoor')
  web.hasOutput('BaseUrl', {
    Value: { 'Fn::Join': ['', ['https://', { 'Fn::GetAtt': [front, 'DomainName'] }]] },
  })
  web.hasOutput('FirstApiKey', { Value: 'npm run api-key -- --stage prod' })
})

test('no log is kept for ever', () => {
  for (const template of [web, event]) {
    const groups = resourcesOf(template, 'AWS::Logs::LogGroup')
    assert.ok(groups.length >= 2)
    for (const [id, { Properties }] of groups) assert.equal(Properties.RetentionInDays, 30, id)
  }
})

test('a policy of ours allows no action by a pattern', () => {
  for (const template of [web, event]) {
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role')) {
      if (!/^(Produce|Fetch)Role/.test(id)) continue
      assert.doesNotMatch(JSON.stringify(Properties.Policies), /"[a-z0-9]+:[A-Za-z]*\*"/)
      assert.equal(Properties.ManagedPolicyArns, undefined, id)
    }
    for (const [id] of resourcesOf(template, 'AWS::IAM::Policy')) assert.match(id, /^CustomS3ObjectCopy/)
  }
})
