/**
 * What is measured. A row is one job that every contender does who can, each time in a namespace of its own.
 *
 * @typedef {object} Row
 * @property {string} job
 * @property {string} title
 * @property {number} count peers
 * @property {number} [messages] messages a peer
 * @property {true} [short] so few that the slow ones get as many
 * @property {'veth' | 'vxlan'} [device]
 * @property {[contender: string, job: string]} [before] prepares the namespace
 * @property {string} [other] the job of the others, where it has another name
 * @property {boolean} [reads] changes nothing: one namespace serves all
 * @property {number} [least] how fast ours has to be, as a share of C's rate
 * @property {string[]} [only] contenders
 */

/** @type {Row[]} */
export const ROWS = [
  {
    job: 'encode',
    title: 'a route into bytes, nothing sent',
    count: 100_000,
    only: ['nbma', 'npm'],
  },
  {
    job: 'route-batch',
    title: 'onlink routes, gateway and metric of their own',
    count: 100_000,
    least: 0.65,
  },
  { job: 'route-one-gateway', title: 'onlink routes through one gateway', count: 100_000, least: 0.65 },
  { job: 'pairs', title: 'nexthop object and route', count: 100_000, messages: 2, least: 0.65 },
  { job: 'neighbour', title: 'neighbours', count: 100_000 },
  { job: 'fdb', title: 'FDB entries of a vxlan device', count: 100_000, device: 'vxlan' },
  { job: 'delete', title: 'routes deleted', count: 100_000, before: ['c', 'route-batch'] },
  { job: 'dump', title: 'dump of routes', count: 100_000, before: ['c', 'route-batch'], reads: true, least: 0.4 },
  { job: 'single', title: 'one request, awaited, after the other, warmed up', count: 20_000, short: true, least: 0.25 },
  { job: 'monitor', title: 'events received', count: 20_000, short: true },
  // Against C sending the same messages, and against C reading the routes.
  ...[1000, 10_000, 100_000, 1_000_000].flatMap((count) => [
    {
      job: 'sync',
      title: 'Overlay.sync, all peers new',
      count,
      only: ['nbma', 'c'],
      other: 'overlay',
      ...(count === 100_000 && { least: 0.75 }),
    },
    {
      job: 'sync-again',
      title: 'Overlay.sync, nothing to do',
      count,
      only: ['nbma', 'c'],
      other: 'dump',
      before: ['nbma', 'sync'],
      reads: true,
    },
  ]),
]

/** Peers at which the ways to carry them are compared. */
export const SIZES = [1000, 5000, 10_000, 20_000]
/** Ours goes on to these; the classic way would take hours. */
export const FURTHER = [100_000, 1_000_000]

/**
 * Ways to carry peers. One gateway a route with one metric is what is commonly done.
 * Nexthop objects end at 5,000: with more of them a link that goes down locks the machine for minutes.
 */
export const WAYS = [
  { job: 'route-one-metric', title: 'one metric for all', most: 20_000 },
  { job: 'route-batch', title: 'a metric per endpoint', most: 1_000_000 },
  { job: 'pairs', title: 'nexthop objects', most: 5000 },
]

/** Streams whose memory is looked at. */
export const STREAMS = [
  { job: 'memory-batch', title: 'messages sent from a generator' },
  { job: 'memory-dump', title: 'routes read from a dump', before: ['c', 'route-batch'] },
]
