/**
 * Typed rtnetlink for Linux NBMA tunnels.
 * @packageDocumentation
 */
export * from './errors.js'
