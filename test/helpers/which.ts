import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where a program is, if it is anywhere. */
export const which = (program: string): string | undefined =>
  `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
    .split(':')
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
