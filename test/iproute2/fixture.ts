/** What `tools/capture.mjs` recorded. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Captured } from './capture.js'

/** A file of the package that is not compiled: tests run as compiled files in a folder of the package's root. */
export function locate(path: string): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, path)) && folder !== dirname(folder)) folder = dirname(folder)
  return join(folder, path)
}

export const fixture: { readonly iproute2: string; readonly kernel: string; readonly captures: readonly Captured[] } =
  JSON.parse(readFileSync(locate('test/fixtures/iproute2.json'), 'utf8'))
