/** Cost per peer against peers, both logarithmic, as a small SVG of its own. */

const WIDTH = 640
const HEIGHT = 360
const LEFT = 70
const RIGHT = 150
const TOP = 40
const BOTTOM = 50

const short = (n) => (n >= 1e6 ? `${n / 1e6}M` : n >= 1e3 ? `${n / 1e3}k` : String(n))
const decades = (min, max) => {
  const out = []
  for (let n = 10 ** Math.floor(Math.log10(min)); n <= 10 ** Math.ceil(Math.log10(max)); n *= 10) out.push(n)
  return out
}

/** @param {{ title: string, color: string, points: [number, number][] }[]} lines peers and microseconds */
export function plot(lines) {
  const points = lines.flatMap((line) => line.points)
  const xs = decades(Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x)))
  const ys = decades(Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y)))
  const scale = (ticks, from, to) => {
    const [low, high] = [Math.log10(ticks[0]), Math.log10(ticks.at(-1))]
    return (n) => Math.round((from + ((Math.log10(n) - low) / (high - low)) * (to - from)) * 10) / 10
  }
  const x = scale(xs, LEFT, WIDTH - RIGHT)
  const y = scale(ys, HEIGHT - BOTTOM, TOP)
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#57606a">`,
    `<title>Microseconds per peer against number of peers</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14" fill="#24292f">Microseconds to add a peer, by number of peers</text>`,
  ]
  for (const n of ys) {
    out.push(`<path d="M${LEFT} ${y(n)}H${WIDTH - RIGHT}" stroke="#d0d7de"/>`)
    out.push(`<text x="${LEFT - 8}" y="${y(n) + 4}" text-anchor="end">${short(n)}</text>`)
  }
  for (const n of xs) {
    out.push(`<path d="M${x(n)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#d0d7de"/>`)
    out.push(`<text x="${x(n)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(n)}</text>`)
  }
  out.push(`<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">peers</text>`)
  for (const { title, color, points: all } of lines) {
    const path = all.map(([px, py], i) => `${i ? 'L' : 'M'}${x(px)} ${y(py)}`).join('')
    out.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="2.5"/>`)
    for (const [px, py] of all) out.push(`<circle cx="${x(px)}" cy="${y(py)}" r="3.5" fill="${color}"/>`)
    const [px, py] = all.at(-1)
    out.push(`<text x="${x(px) + 10}" y="${y(py) + 4}" fill="${color}">${title}</text>`)
  }
  return `${out.join('\n')}\n</svg>\n`
}
