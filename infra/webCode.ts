// The code of Web Functions, which read it from a bucket with versions whenever an environment starts. During a
// deployment a small function of the CDK copies it there from the CDK's own bucket, which has no versions.

import { Duration, RemovalPolicy, type Stack, Token } from 'aws-cdk-lib'
import { WebFunctionCode } from 'aws-cdk-lib/aws-lambda'
import { BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { acknowledge, guard, wildcard } from './acknowledge.ts'
import { createBucket } from './bucket.ts'
import { cost } from './cost.ts'
import { pin } from './data.ts'
import { createLogGroup } from './logs.ts'
import type { StageSettings } from './settings.ts'

export interface WebCode {
  /** Of a folder. */
  readonly codeOf: (directory: string) => WebFunctionCode
  /** When all functions are made: the copying function is made with the first of them. */
  readonly acknowledgeCopying: () => void
}

export function createWebCode(stack: Stack, settings: StageSettings): WebCode {
  const bucket = createCodeBucket(stack)
  const copyOptions = { logGroup: createLogGroup(stack, 'CodeCopyLogs', 'code-copy', settings) }
  return {
    codeOf: (directory) => WebFunctionCode.fromAssetToProvidedBucket(bucket, directory, { copyOptions }),
    acknowledgeCopying: () => {
      for (const copying of stack.node.children) {
        if (copying.node.id.startsWith('Custom::S3ObjectCopy')) acknowledge(copying, copyingReasons(stack))
      }
    },
  }
}

function createCodeBucket(stack: Stack): IBucket {
  const bucket = createBucket(stack, 'Code', {
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    // The sources make it again.
    removalPolicy: RemovalPolicy.DESTROY,
    autoDeleteObjects: true,
    lifecycleRules: [
      {
        noncurrentVersionExpiration: Duration.days(7),
        abortIncompleteMultipartUploadAfter: cost.abortUploadsAfter,
      },
    ],
  })
  pin(bucket, 'CodeBucket')
  const reason = 'it holds code that is in the repository too, and Lambda alone reads it'
  acknowledge(bucket, {
    'AwsSolutions-S1': reason,
    [guard('s3_bucket_default_encryption_kms_check')]: reason,
    [guard('s3_bucket_logging_enabled_check')]: reason,
    [guard('s3_bucket_object_lock_enabled_check')]: reason,
  })
  return bucket
}

const library = 'the CDK wrote this function and its role; it runs during deployments only, on code alone'

function copyingReasons({ partition, account, region }: Stack): Record<string, string> {
  const bucket = `cdk-hnb659fds-assets-${written(account, 'AccountId')}-${written(region, 'Region')}`
  return {
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]':
      library,
    'AwsSolutions-IAM5[Action::s3:Abort*]': library,
    'AwsSolutions-IAM5[Action::s3:DeleteObject*]': library,
    [wildcard(`arn:${written(partition, 'Partition')}:s3:::${bucket}/*`)]: library,
    [wildcard('<CodeBucket.Arn>/web-function/*')]: library,
    'Serverless-LambdaDefaultMemorySize': library,
    'Serverless-LambdaDLQ': "CloudFormation waits for it: its failure is the deployment's",
    'Serverless-LambdaTracing': library,
  }
}

/** As a rule pack writes it, whether the settings say it or the deployer's credentials. */
const written = (value: string, name: string): string =>
  Token.isUnresolved(value) ? `<AWS::${name}>` : value
