// The waveforms, drawn from stored peaks: no sound is decoded here. Above, the whole recording with its marks and what was
// heard; beneath, a window of it in which a stretch is selected by dragging and a mark's edges can be moved.

const bench = document.getElementById('bench')
const { pl } = bench
const duration = pl.data.duration
const overview = document.getElementById('bench-overview')
const zoom = document.getElementById('bench-zoom')
const label = document.getElementById('bench-selection')
const line = document.getElementById('bench-selection-line')
const unselect = line.querySelector('button')
const WINDOWS = [5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000]
const EDGE = 6 // pixels

let peaks = new Int8Array(0) // least, greatest, least, greatest …
let span = WINDOWS[3]
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
    wave: read('--pl-border-strong'), played: read('--pl-brand'), head: read('--pl-overdue'), text: read('--pl-text-muted'), line: read('--pl-border'),
    mark: read('--pl-mark'), page: read('--pl-surface'), heard: read('--pl-brand'), font: `13px ${getComputedStyle(document.body).fontFamily}`,
    codes: Object.fromEntries(pl.data.codes.map((code) => [code.slug, read(`--pl-code-${code.colour}`)])),
  }
  layers = null
  later()
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

const fit = (canvas) => {
  const ratio = window.devicePixelRatio || 1
  const { clientWidth: width, clientHeight: height } = canvas
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
  }
  const context = canvas.getContext('2d')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width, height }
}

// Columns of three pixels, the greatest extent of the peaks beneath each.
const columns = (context, width, top, height, startMs, endMs, now) => {
  const pairs = peaks.length / 2
  if (!pairs) return
  const perMs = pairs / duration
  const middle = top + height / 2
  for (let x = 0; x < width; x += 3) {
    const a = (startMs + (x / width) * (endMs - startMs)) * perMs
    const b = Math.max(a + 1, (startMs + ((x + 3) / width) * (endMs - startMs)) * perMs)
    let low = 0
    let high = 0
    for (let pair = Math.max(0, Math.floor(a)); pair < Math.min(pairs, b); pair += 1) {
      if (peaks[2 * pair] < low) low = peaks[2 * pair]
      if (peaks[2 * pair + 1] > high) high = peaks[2 * pair + 1]
    }
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

// The overview changes seldom: it is drawn once, unplayed and played, and each frame puts the two together.
let layers = null
const drawLayers = (width, height) => {
  const x = (ms) => (ms / duration) * width
  layers = [0, duration].map((now) => {
    const canvas = document.createElement('canvas')
    canvas.width = overview.firstElementChild.width
    canvas.height = overview.firstElementChild.height
    const context = canvas.getContext('2d')
    context.scale(canvas.width / width, canvas.height / height)
    columns(context, width, 14, height - 20, 0, duration, now)
    context.fillStyle = ink.heard
    for (const [start, end] of pl.heard) context.fillRect(x(start), height - 3, Math.max(1, x(end) - x(start)), 3)
    for (const note of kept()) {
      context.fillStyle = ink.codes[note.code]
      context.fillRect(x(note.start), 12, Math.max(2, x(note.end) - x(note.start)), 2)
      drawShape(context, note.code, Math.min(width - 10, x(note.start)), 1, 9)
    }
    return canvas
  })
  layers.size = `${width} ${height}`
}
const drawOverview = (now) => {
  const { context, width, height } = fit(overview.firstElementChild)
  if (!width) return
  if (layers?.size !== `${width} ${height}`) drawLayers(width, height)
  const at = (now / duration) * width
  const ratio = layers[0].width / width
  context.drawImage(layers[0], 0, 0, width, height)
  if (at * ratio >= 1) {
    context.clearRect(0, 0, at, height)
    context.drawImage(layers[1], 0, 0, at * ratio, layers[1].height, 0, 0, at, height)
  }
  if (span < duration) {
    context.strokeStyle = ink.text
    context.strokeRect((from / duration) * width + 0.5, 0.5, (span / duration) * width - 1, height - 1)
  }
  context.fillStyle = ink.head
  context.fillRect(at - 1, 0, 2, height)
}

const drawZoom = (now) => {
  const { context, width, height } = fit(zoom.querySelector('canvas'))
  const x = (ms) => ((ms - from) / span) * width
  const bottom = height - 18
  context.font = ink.font
  if (selection) {
    context.fillStyle = ink.mark
    context.fillRect(x(selection.start), 0, x(selection.end) - x(selection.start), bottom)
  }
  const rows = []
  for (const note of kept()) {
    if (note.end < from || note.start > from + span) continue
    const [a, b] = [x(note.start), x(note.end)]
    const isCurrent = note.id === pl.notes.current
    let row = rows.findIndex((end) => end < a - 2)
    if (row < 0) row = rows.length
    rows[row] = b
    context.globalAlpha = isCurrent ? 0.26 : 0.13
    context.fillStyle = ink.codes[note.code]
    context.fillRect(a, 0, b - a, bottom)
    context.globalAlpha = 1
    context.fillRect(a, 0, isCurrent ? 3 : 1, bottom)
    context.fillRect(b - (isCurrent ? 3 : 1), 0, isCurrent ? 3 : 1, bottom)
    const y = 4 + row * 16
    drawShape(context, note.code, Math.max(a, 0) + 5, y, 12)
    const room = b - Math.max(a, 0) - 26
    const name = pl.notes.name(note.code)
    if (room > context.measureText(name).width) {
      context.fillStyle = ink.text
      context.fillText(name, Math.max(a, 0) + 21, y + 10.5)
    }
  }
  columns(context, width, 18, bottom - 22, from, from + span, now)
  ruler(context, width, height, x)
  lanes(context, bottom, x)
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

// Who speaks, as a line beneath the waveform: a full line for the first voice, a dashed one for the next, and so on.
const voices = [...new Set(pl.turns.map((turn) => turn.speaker).filter(Boolean))]
const lanes = (context, bottom, x) => {
  for (const turn of pl.turns) {
    if (!turn.speaker || turn.end < from || turn.start > from + span) continue
    context.strokeStyle = ink.text
    context.lineWidth = 3
    context.setLineDash(voices.indexOf(turn.speaker) ? [2 * voices.indexOf(turn.speaker) + 2, 4] : [])
    context.beginPath()
    context.moveTo(x(turn.start), bottom - 1.5)
    context.lineTo(x(turn.end) - 2, bottom - 1.5)
    context.stroke()
  }
  context.setLineDash([])
  context.lineWidth = 1
}

const paint = () => {
  const now = pl.now()
  if (!drag && (now < from || now > from + span * 0.92)) {
    if (pl.isPlaying() || now < from || now > from + span) from = now - span * (pl.isPlaying() ? 0.08 : 0.4)
  }
  from = Math.min(Math.max(0, from), Math.max(0, duration - span))
  drawOverview(now)
  drawZoom(now)
  overview.setAttribute('aria-valuenow', String(now))
  overview.setAttribute('aria-valuetext', `${pl.clock(now)} of ${pl.clock(duration)}`)
}
const later = () => {
  if (isAsked) return
  isAsked = true
  requestAnimationFrame(() => { isAsked = false; paint() })
}
const anew = () => { layers = null; later() }
for (const name of ['bench:notes', 'bench:heard']) bench.addEventListener(name, anew)
bench.addEventListener('bench:tick', later)
new ResizeObserver(later).observe(zoom)

// Selection

const tell = (sentence) => { label.textContent = sentence; line.hidden = !sentence }
const select = (start, end) => {
  selection = start === null ? null : { start: Math.max(0, Math.min(start, end)), end: Math.min(duration, Math.max(start, end)) }
  tell(selection ? `Selected ${pl.clock(selection.start)} to ${pl.clock(selection.end)}: choose a code` : '')
  unselect.hidden = !selection
  later()
}
let startedAt = null
pl.wave = { take: () => { const taken = selection; select(null); return taken }, later }
Object.assign((pl.actions ??= {}), {
  unselect: () => select(null),
  'zoom-in': () => resize(-1),
  'zoom-out': () => resize(1),
  'select-from': () => { startedAt = pl.now(); tell(`Selecting from ${pl.clock(startedAt)}`); unselect.hidden = true; pl.say(label.textContent) },
  'select-to': () => {
    const end = pl.now()
    if (startedAt === null || Math.abs(end - startedAt) < 200) return pl.say('Press I where the stretch begins, then O where it ends.')
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

const msAt = (event) => {
  const box = zoom.getBoundingClientRect()
  return from + ((event.clientX - box.left) / box.width) * span
}
const edgeAt = (event) => {
  if (pl.data.isLocked) return null
  const box = zoom.getBoundingClientRect()
  const pixel = span / box.width
  const ms = msAt(event)
  const notes = [...kept()].sort((a, b) => (b.id === pl.notes.current) - (a.id === pl.notes.current))
  for (const note of notes) {
    for (const side of ['start', 'end']) if (Math.abs(note[side] - ms) < EDGE * pixel) return { note, side }
  }
  return null
}
zoom.addEventListener('pointerdown', (event) => {
  if (event.button || event.target.closest('button')) return
  const edge = edgeAt(event)
  drag = { ...edge, startX: event.clientX, startMs: msAt(event), before: edge ? { ...edge.note } : null, moved: false }
  zoom.setPointerCapture(event.pointerId)
})
zoom.addEventListener('pointermove', (event) => {
  if (!drag) return zoom.classList.toggle('is-edge', edgeAt(event) !== null)
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

const seekOverview = (event) => {
  const box = overview.getBoundingClientRect()
  pl.seek(((event.clientX - box.left) / box.width) * duration)
}
overview.addEventListener('pointerdown', (event) => {
  if (event.button) return
  overview.setPointerCapture(event.pointerId)
  seekOverview(event)
})
overview.addEventListener('pointermove', (event) => { if (overview.hasPointerCapture(event.pointerId)) seekOverview(event) })
overview.addEventListener('keydown', (event) => {
  const step = { ArrowRight: 5000, ArrowUp: 5000, ArrowLeft: -5000, ArrowDown: -5000, PageUp: 30_000, PageDown: -30_000 }[event.key]
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? duration : step && pl.now() + step
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  pl.seek(to)
})

readInk()
try {
  const response = await fetch(bench.dataset.peaks + '?level=0&start=0')
  if (!response.ok) throw new Error(String(response.status))
  peaks = new Int8Array(await response.arrayBuffer())
  // The loudest hundredth fills the height, so that a quiet recording can be seen too.
  const loud = []
  for (let pair = 0; pair < peaks.length / 2; pair += 1) loud.push(Math.max(-peaks[2 * pair], peaks[2 * pair + 1]))
  loud.sort((a, b) => a - b)
  gain = 1 / Math.max(12, loud[Math.floor(loud.length * 0.995)] ?? 127)
} catch {
  tell('The waveform could not be loaded. Everything else works.')
  unselect.hidden = true
}
anew()
