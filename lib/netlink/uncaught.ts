/** Lets an error reach `uncaughtException`, and whoever has called go on. */
export function uncaught(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
