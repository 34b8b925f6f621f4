// The waveform, drawn from stored peaks: no sound is decoded here. A window of the recording in which a stretch is selected by
// dragging and a mark's edges can be moved. The coarse peaks of the whole come at once, for the overview too
// (workbench-overview.js); finer ones are fetched by the piece when the window asks for them, and only the last few are kept.

const bench = document.getElementById('bench')
const { pl } = bench
const duration = pl.data.duration
const zoom = document.getElementById('bench-zoom')
const label = document.getElementById('bench-selection')
const line = document.getElementById('bench-selection-line')
const unselect = line.querySelector('button')
const WINDOWS = [2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000]
const EDGE = { mouse: 6, pen: 10, touch: 22 } // pixels
const FINEST = 50 // milliseconds a pair at level 0; four times as many at each level
const LEVELS = 6
const TILE = 2048 // pairs
const TILES = 48 // kept; 4 kB each

let span = 30_000
let from = 0
let selection = null
let drag = null
let isAsked = false

// Colours are tokens; they change with the scheme.

let ink = {}
const readInk = () => {
  const style = getComputedStyle(bench)
  const read = (name) => style.getPropertyValue(name).trim()
  ink = {
    wave: read('--pl-border-strong'), played: read('--pl-brand'), head: read('--pl-overdue'), text: read('--pl-text-muted'), line: read('--pl-border'), strong: read('--pl-text'),
    mark: read('--pl-mark'), page: read('--pl-surface'), heard: read('--pl-brand'), font: `13px ${getComputedStyle(document.body).fontFamily}`,
    codes: Object.fromEntries(pl.data.codes.map((code) => [code.slug, read(`--pl-code-${code.colour}`)])),
  }
  anew()
}
for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(query).addEventListener('change', () => readInk())

const shapes = Object.fromEntries(pl.data.codes.map((code) => [code.slug, new Path2D(code.shape)]))
const drawShape = (context, slug, x, y, size) => {
  context.save()
  context.translate(x, y)
  context.scale(size / 16, size / 16)
  context.fillStyle = ink.codes[slug] ?? ink.text
  context.fill(shapes[slug] ?? shapes[pl.data.codes[0].slug], 'evenodd')
  context.restore()
}

// How large a canvas is, is told by the observer: asking the page in every frame would have it laid out each time.
const sizes = new Map()
const sizeOf = (canvas) => {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight })
    observer.observe(canvas)
  }
  return sizes.get(canvas)
}
const observer = new ResizeObserver((entries) => {
  let isOther = false
  for (const { target, contentRect: { width, height } } of entries) {
    const was = sizes.get(target)
    isOther ||= was?.width !== Math.round(width) || was.height !== Math.round(height)
    sizes.set(target, { width: Math.round(width), height: Math.round(height) })
  }
  if (isOther) paint() // still in this frame
})

const fit = (canvas) => {
  const ratio = window.devicePixelRatio || 1
  const { width, height } = sizeOf(canvas)
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
  }
  const context = canvas.getContext('2d')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width, height }
}

// Peaks: the coarse level whole, finer levels in tiles.

const coarse = Math.min(LEVELS - 1, Math.max(0, Math.ceil(Math.log(duration / FINEST / 8000) / Math.log(4))))
let whole = new Int8Array(0) // least, greatest, least, greatest …
const tiles = new Map() // "level/number" to pairs, or to null while on the way; the last used last
const tile = (level, number) => {
  const key = `${level}/${number}`
  if (tiles.has(key)) {
    const pairs = tiles.get(key)
    if (pairs) { tiles.delete(key); tiles.set(key, pairs) }
    return pairs
  }
  tiles.set(key, null)
  fetchPeaks(level, number * TILE, (number + 1) * TILE).then((pairs) => {
    tiles.set(key, pairs)
    for (const old of tiles.keys()) { if (tiles.size <= TILES) break; tiles.delete(old) }
    later()
  }).catch(() => setTimeout(() => tiles.delete(key), 5000))
  return null
}
const fetchPeaks = async (level, start, end) => {
  const response = await fetch(`${bench.dataset.peaks}?level=${level}&start=${start}${end ? `&end=${end}` : ''}`)
  if (!response.ok) throw new Error(String(response.status))
  return new Int8Array(await response.arrayBuffer())
}
const levelFor = (msPerColumn) => Math.min(coarse, Math.max(0, Math.floor(Math.log(Math.max(1, msPerColumn / FINEST)) / Math.log(4))))
const extremes = (level, from, to) => {
  let low = 0
  let high = 0
  for (let pair = Math.max(0, from); pair < to; pair += 1) {
    let [pairs, at] = [whole, pair]
    if (level < coarse) {
      pairs = tile(level, Math.floor(pair / TILE))
      at = pair % TILE
      if (!pairs) { pairs = whole; at = Math.floor(pair / 4 ** (coarse - level)) } // until the finer ones are there
    }
    if (pairs[2 * at] < low) low = pairs[2 * at]
    if (pairs[2 * at + 1] > high) high = pairs[2 * at + 1]
  }
  return [low, high]
}

// Columns of three pixels, the greatest extent of the peaks beneath each.
const columns = (context, width, top, height, startMs, endMs, now) => {
  if (!whole.length) return
  const perColumn = (3 * (endMs - startMs)) / width
  const level = levelFor(perColumn)
  const size = FINEST * 4 ** level
  const middle = top + height / 2
  for (let x = 0; x < width; x += 3) {
    const first = Math.floor((startMs + (x / width) * (endMs - startMs)) / size)
    const [low, high] = extremes(level, first, Math.max(first + 1, Math.ceil((startMs + ((x + 3) / width) * (endMs - startMs)) / size)))
    const ms = startMs + (x / width) * (endMs - startMs)
    if (ms > duration) break
    context.fillStyle = ms < now ? ink.played : ink.wave
    const up = Math.max(0.5, (high * gain * height) / 2)
    const down = Math.max(0.5, (-low * gain * height) / 2)
    context.fillRect(x, middle - up, 2, up + down)
  }
}
let gain = 1 / 127

const kept = () => pl.notes?.list() ?? []

const drawZoom = (now) => {
  const { context, width, height } = fit(zoom.querySelector('canvas'))
  const x = (ms) => ((ms - from) / span) * width
  const bottom = height - 18
  context.font = ink.font
  if (selection) {
    context.fillStyle = ink.mark
    context.fillRect(x(selection.start), 0, x(selection.end) - x(selection.start), bottom)
  }
  for (const note of pl.notes?.between(from, from + span) ?? []) {
    const [a, b] = [x(note.start), x(note.end)]
    const isCurrent = note.id === pl.notes.current
    context.globalAlpha = isCurrent ? 0.26 : 0.1
    context.fillStyle = ink.codes[note.code]
    context.fillRect(a, 0, b - a, bottom)
    context.globalAlpha = 1
    context.fillRect(a, 0, isCurrent ? 3 : 1, bottom)
    context.fillRect(b - (isCurrent ? 3 : 1), 0, isCurrent ? 3 : 1, bottom)
  }
  columns(context, width, 4, bottom - 8, from, from + span, now)
  ruler(context, width, height, x)
  if (x(now) >= 0 && x(now) <= width) {
    context.fillStyle = ink.head
    context.fillRect(x(now) - 1, 0, 2, bottom)
  }
}

const STEPS = [500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000]
const ruler = (context, width, height, x) => {
  const step = STEPS.find((one) => (one / span) * width > 64) ?? STEPS.at(-1)
  context.fillStyle = ink.text
  for (let ms = Math.ceil(from / step) * step; ms <= Math.min(from + span, duration); ms += step) {
    context.fillRect(x(ms), height - 18, 1, 4)
    context.fillText(pl.clock(ms, true), x(ms) + 3, height - 4)
  }
}

const paint = () => {
  const now = pl.now()
  showHover()
  pl.lanes?.showHover()
  if (!drag && !pl.lanes?.isDragging() && (now < from || now > from + span * 0.92)) {
    if (pl.isPlaying() || now < from || now > from + span) from = now - span * (pl.isPlaying() ? 0.08 : 0.4)
  }
  from = Math.min(Math.max(0, from), Math.max(0, duration - span))
  pl.overview?.draw(now)
  drawZoom(now)
  pl.spectrum?.draw()
  pl.lanes?.draw()
}
const later = () => {
  if (isAsked) return
  isAsked = true
  requestAnimationFrame(() => { isAsked = false; paint() })
}
const anew = () => { pl.overview?.anew(); later() }
for (const name of ['bench:notes', 'bench:heard']) bench.addEventListener(name, later)
bench.addEventListener('bench:tick', later)

// Selection

const tell = (sentence) => { label.textContent = sentence; line.hidden = !sentence }
const select = (start, end) => {
  selection = start === null ? null : { start: Math.max(0, Math.min(start, end)), end: Math.min(duration, Math.max(start, end)) }
  tell(selection ? `Selected ${pl.clock(selection.start)} to ${pl.clock(selection.end)}: choose a code` : '')
  unselect.hidden = !selection
  later()
}
let startedAt = null
Object.assign(pl.wave = {}, {
  later,
  fit,
  columns,
  size: sizeOf,
  drawShape,
  select,
  selection: () => selection,
  take: () => { const taken = selection; select(null); pl.letGoText?.(); return taken },
  view: () => ({ from, span }),
  ink: () => ink,
})
Object.assign((pl.actions ??= {}), {
  unselect: () => select(null),
  'zoom-in': () => resize(-1),
  'zoom-out': () => resize(1),
  'select-from': () => { startedAt = pl.now(); tell(`Selecting from ${pl.clock(startedAt)}`); unselect.hidden = true; pl.say(label.textContent) },
  'select-to': () => {
    const end = pl.now()
    if (startedAt === null || Math.abs(end - startedAt) < 200) return pl.hint('Press I where the stretch begins, then O where it ends.')
    select(startedAt, end)
    startedAt = null
    pl.say(label.textContent)
  },
})

const resize = (step, at = pl.now()) => {
  const place = Math.min(1, Math.max(0, (at - from) / span))
  const sizes = WINDOWS.filter((size) => size < duration).concat(duration)
  const nearest = sizes.findIndex((size) => size >= span)
  span = sizes[Math.min(sizes.length - 1, Math.max(0, (nearest < 0 ? sizes.length - 1 : nearest) + step))]
  from = at - place * span
  later()
}
if (span > duration) span = duration

// Pointer

let held = null // the place of the canvas while a button is down
const msAt = (event) => {
  const box = held ?? zoom.getBoundingClientRect()
  return from + ((event.clientX - box.left) / box.width) * span
}
pl.wave.msAt = msAt
const edgeAt = (event) => {
  if (pl.data.isLocked) return null
  const near = ((EDGE[event.pointerType] ?? EDGE.mouse) * span) / zoom.clientWidth
  const ms = msAt(event)
  const notes = pl.notes?.between(ms - near, ms + near) ?? []
  notes.sort((a, b) => (b.id === pl.notes.current) - (a.id === pl.notes.current))
  for (const note of notes) {
    for (const side of ['start', 'end']) if (Math.abs(note[side] - ms) < near) return { note, side }
  }
  return null
}
let hovered = null // what the pointer is over is asked once a frame
const showHover = () => {
  if (hovered) zoom.classList.toggle('is-edge', edgeAt(hovered) !== null)
  hovered = null
}
for (const kind of ['pointerdown', 'pointerup', 'pointercancel']) {
  zoom.addEventListener(kind, () => { held = kind === 'pointerdown' ? zoom.getBoundingClientRect() : null }, { capture: kind === 'pointerdown' })
}
zoom.addEventListener('pointerdown', (event) => {
  if (event.button || event.target.closest('button, #bench-lanes')) return
  const edge = edgeAt(event)
  drag = { ...edge, startX: event.clientX, startMs: msAt(event), before: edge ? { ...edge.note } : null, moved: false }
  zoom.setPointerCapture(event.pointerId)
})
zoom.addEventListener('pointermove', (event) => {
  if (!drag) { hovered = event; return later() }
  drag.moved ||= Math.abs(event.clientX - drag.startX) > 4
  if (!drag.moved) return
  const ms = Math.round(Math.min(duration, Math.max(0, msAt(event))))
  if (drag.note) pl.notes.stretch(drag.note.id, drag.side, ms)
  else select(drag.startMs, ms)
})
zoom.addEventListener('pointerup', (event) => {
  if (!drag) return
  const done = drag
  drag = null
  if (!done.moved) { select(null); pl.seek(msAt(event)) } else if (done.note) pl.notes.stretched(done.note.id, done.before)
  later()
})
zoom.addEventListener('pointercancel', () => { if (drag?.note && drag.moved) pl.notes.stretched(drag.note.id, drag.before); drag = null })
zoom.addEventListener('wheel', (event) => {
  if (event.ctrlKey) { event.preventDefault(); resize(Math.sign(event.deltaY), msAt(event)) } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault()
    from += ((event.deltaX || event.deltaY) / zoom.clientWidth) * span
    later()
  }
}, { passive: false })

readInk()
try {
  whole = await fetchPeaks(coarse, 0)
  // The loudest hundredth fills the height, so that a quiet recording can be seen too.
  const loud = []
  for (let pair = 0; pair < whole.length / 2; pair += 1) loud.push(Math.max(-whole[2 * pair], whole[2 * pair + 1]))
  loud.sort((a, b) => a - b)
  gain = 1 / Math.max(12, loud[Math.floor(loud.length * 0.995)] ?? 127)
} catch {
  tell('The waveform could not be loaded. Everything else works.')
  unselect.hidden = true
}
anew()
