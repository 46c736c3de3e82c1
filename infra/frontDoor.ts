// One base URL: CloudFront, whose router function picks the origin of each request. Nothing is cached, compressed or
// rewritten. Both origins get a secret that only the distribution knows, and refuse whoever comes without.

import { Duration, type Stack } from 'aws-cdk-lib'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import {
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  Function as CloudFrontFunction,
  Distribution,
  type DistributionProps,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront'
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins'
import { originSecretHeader } from '../shared/runtime/frontDoorHeaders.ts'
import { acknowledge, guard } from './acknowledge.ts'
import { fetchOrigin, produceOrigin, routerCode } from './router.ts'
import type { StageSettings } from './settings.ts'
import { nameOf } from './stack.ts'

export interface Origins {
  /** Host names. */
  readonly produce: string
  readonly fetch: string
  readonly secret: string
}

/** The longest silence of an origin; a long poll ends at half of it, a stream of events speaks every 15 seconds. */
const originSilenceMax = Duration.seconds(60)

export function createFrontDoor(stack: Stack, settings: StageSettings, origins: Origins): Distribution {
  const router = new CloudFrontFunction(stack, 'Router', {
    functionName: nameOf(settings.stage, 'router'),
    comment: 'path and method to produce or fetch',
    code: FunctionCode.fromInline(routerCode()),
    runtime: FunctionRuntime.JS_2_0,
  })
  const behaviorTo = (id: string, host: string): BehaviorOptions => ({
    origin: originOf(id, host, origins.secret),
    allowedMethods: AllowedMethods.ALLOW_ALL,
    cachePolicy: CachePolicy.CACHING_DISABLED,
    originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
    // A redirect would come after the key was sent in clear.
    viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    compress: false,
    functionAssociations: [{ eventType: FunctionEventType.VIEWER_REQUEST, function: router }],
  })
  const distribution = new Distribution(stack, 'FrontDoor', {
    comment: `Millrace ${settings.stage}`,
    httpVersion: HttpVersion.HTTP2_AND_3,
    defaultBehavior: behaviorTo(fetchOrigin, origins.fetch),
    // A distribution has only the origins of its behaviors, so produce needs one. The router decides here too.
    additionalBehaviors: { '*/records:batch': behaviorTo(produceOrigin, origins.produce) },
    ...domainOf(stack, settings),
    ...(settings.webAclArn === undefined ? {} : { webAclId: settings.webAclArn }),
  })
  acknowledgeFindings(distribution, settings)
  return distribution
}

const originOf = (originId: string, host: string, secret: string): HttpOrigin =>
  new HttpOrigin(host, {
    originId,
    customHeaders: { [originSecretHeader]: secret },
    protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
    originSslProtocols: [OriginSslPolicy.TLS_V1_2],
    readTimeout: originSilenceMax,
    keepaliveTimeout: originSilenceMax,
  })

function domainOf(stack: Stack, { domain }: StageSettings): Partial<DistributionProps> {
  if (domain === undefined) return {}
  return {
    domainNames: [domain.name],
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', domain.certificateArn),
    minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
  }
}

function acknowledgeFindings(distribution: Distribution, { domain, webAclArn }: StageSettings): void {
  const logged = 'the functions log every request with its id; a second log would add addresses and no facts'
  acknowledge(distribution, {
    'AwsSolutions-CFR1': 'the service is for whoever has a key, wherever they are',
    'AwsSolutions-CFR3': logged,
    [guard('cloudfront_access_logs_enabled_check')]: logged,
    [guard('cloudfront_default_root_object_configured_check')]: 'the functions answer every path',
    [guard('cloudfront_origin_failover_enabled_check')]:
      'a second origin would need the same table, in the same region',
  })
  if (webAclArn === undefined) {
    acknowledge(distribution, {
      'AwsSolutions-CFR2': 'a web ACL is a setting, webAclArn: it bills by the request',
    })
  }
  if (domain !== undefined) return
  const own = "without the setting domain the certificate, and what goes with it, is CloudFront's own"
  acknowledge(distribution, {
    'AwsSolutions-CFR4': own,
    [guard('cloudfront_custom_ssl_certificate_check')]: own,
    [guard('cloudfront_sni_enabled_check')]: own,
    [guard('cloudfront_security_policy_check')]: own,
  })
}
