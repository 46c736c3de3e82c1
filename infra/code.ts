// The folder of a function's code, bundled once however many stages are synthesised. Where the CDK wants no bundling,
// as when stacks are destroyed, the sources stand for it.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Stack } from 'aws-cdk-lib'
import { bundle, type FunctionEntry, functionEntries } from './bundle.ts'

const directories = new Map<FunctionEntry, string>()

export function codeDirectory(stack: Stack, entry: FunctionEntry): string {
  if (!stack.bundlingRequired) return dirname(join(functions, functionEntries[entry]))
  const known = directories.get(entry)
  if (known !== undefined) return known
  const { directory } = bundle(entry)
  directories.set(entry, directory)
  return directory
}

const functions = fileURLToPath(new URL('../functions', import.meta.url))
