// Who speaks, and what was marked: a lane for each voice and one for each code of its own that is in use. A mark is moved by
// dragging it in its lane, and made longer or shorter by its ends.

const bench = document.getElementById('bench')
const { pl } = bench
const canvas = document.getElementById('bench-lanes')
const VOICE = 10 // pixels
const LANE = 18
const EDGE = { mouse: 6, pen: 10, touch: 18 }
const SHORTEST = 200
const { duration } = pl.data

const codes = new Map(pl.data.codes.map((code) => [code.slug, code]))
const own = (slug) => codes.get(slug)?.parent ?? slug
let voices = []
let rows = [] // slugs of the lanes, from above
let drag = null

let isStale = true
const arrange = () => {
  isStale = false
  const used = new Set()
  for (const note of pl.notes?.list() ?? []) used.add(own(note.code))
  rows = pl.data.codes.map((code) => code.slug).filter((slug) => used.has(slug))
  const height = `${voices.length * VOICE + rows.length * LANE + 2}px`
  if (canvas.style.height !== height) canvas.style.height = height
  canvas.hidden = !voices.length && !rows.length
}

const laneTop = (slug) => voices.length * VOICE + rows.indexOf(own(slug)) * LANE
const inView = ({ from, span }) => pl.notes?.between(from, from + span) ?? []

const draw = () => {
  if (isStale && !drag) arrange()
  if (canvas.hidden) return
  const { context, width, height } = pl.wave.fit(canvas)
  const view = pl.wave.view()
  const ink = pl.wave.ink()
  const x = (ms) => ((ms - view.from) / view.span) * width
  context.font = ink.font
  voices.forEach((name, at) => {
    context.fillStyle = at % 2 ? ink.played : ink.text
    const y = at * VOICE + 3
    for (let place = Math.max(0, pl.lastBefore(pl.turns, view.from)); place < pl.turns.length && pl.turns[place].start <= view.from + view.span; place += 1) {
      const turn = pl.turns[place]
      if (turn.speaker === name && turn.end > view.from) context.fillRect(x(turn.start), y, Math.max(2, x(turn.end) - x(turn.start) - 2), at % 2 ? 2 : 5)
    }
  })
  context.strokeStyle = ink.line
  context.beginPath()
  for (const slug of rows) { context.moveTo(0, laneTop(slug) + 0.5); context.lineTo(width, laneTop(slug) + 0.5) }
  context.stroke()
  const named = new Map() // where the last name of a lane ended
  for (const note of inView(view)) {
    const y = laneTop(note.code)
    const [a, b] = [x(note.start), Math.max(x(note.start) + 3, x(note.end))]
    const isCurrent = note.id === pl.notes.current
    context.globalAlpha = isCurrent ? 0.45 : 0.22
    context.fillStyle = ink.codes[note.code] ?? ink.text
    context.fillRect(a, y + 2, b - a, LANE - 3)
    context.globalAlpha = 1
    context.fillRect(a, y + 2, isCurrent ? 3 : 1, LANE - 3)
    context.fillRect(b - (isCurrent ? 3 : 1), y + 2, isCurrent ? 3 : 1, LANE - 3)
    const left = Math.max(a, 0) + 4
    if (left < (named.get(own(note.code)) ?? 0)) continue
    pl.wave.drawShape(context, note.code, left, y + 3, 12)
    const name = pl.notes.name(note.code)
    const long = context.measureText(name).width
    if (b - left > long + 22) {
      context.fillStyle = ink.strong
      context.fillText(name, left + 16, y + 13.5)
    }
    named.set(own(note.code), left + 16)
  }
  if (x(pl.now()) >= 0 && x(pl.now()) <= width) {
    context.fillStyle = ink.head
    context.fillRect(x(pl.now()) - 1, 0, 2, height)
  }
}

// Pointer

const noteAt = (event) => {
  const box = canvas.getBoundingClientRect()
  const slug = rows[Math.floor((event.clientY - box.top - voices.length * VOICE) / LANE)]
  const view = pl.wave.view()
  const pixel = view.span / box.width
  const ms = pl.wave.msAt(event)
  const near = (EDGE[event.pointerType] ?? EDGE.mouse) * pixel
  const there = inView(view).filter((note) => own(note.code) === slug && ms > note.start - near && ms < note.end + near)
  there.sort((a, b) => (b.id === pl.notes.current) - (a.id === pl.notes.current) || (a.end - a.start) - (b.end - b.start))
  const note = there[0]
  if (!note) return null
  const reach = Math.min(near, (note.end - note.start) / 3)
  const side = Math.abs(ms - note.start) <= reach || ms < note.start ? 'start' : Math.abs(ms - note.end) <= reach || ms > note.end ? 'end' : 'whole'
  return { note, side, ms }
}
let hovered = null // what the pointer is over is asked once a frame
const showHover = () => {
  if (!hovered) return
  const hit = noteAt(hovered)
  hovered = null
  canvas.classList.toggle('is-edge', Boolean(hit) && hit.side !== 'whole')
  canvas.classList.toggle('is-whole', hit?.side === 'whole')
}
canvas.addEventListener('pointerdown', (event) => {
  if (event.button) return
  event.stopPropagation()
  const hit = noteAt(event)
  if (!hit) return pl.seek(pl.wave.msAt(event))
  pl.notes.choose(hit.note.id, { scroll: false }) // the list follows once it is let go
  drag = { ...hit, startX: event.clientX, before: { ...hit.note }, isMoved: false }
  if (!pl.data.isLocked) canvas.setPointerCapture(event.pointerId)
})
canvas.addEventListener('pointermove', (event) => {
  if (!drag) {
    hovered = pl.data.isLocked ? null : event
    return pl.wave.later()
  }
  if (pl.data.isLocked) return
  drag.isMoved ||= Math.abs(event.clientX - drag.startX) > 4
  if (!drag.isMoved) return
  const by = Math.round(pl.wave.msAt(event) - drag.ms)
  const { start, end } = drag.before
  if (drag.side === 'whole') {
    const to = Math.min(Math.max(0, start + by), duration - (end - start))
    pl.notes.place(drag.note.id, to, to + end - start)
  } else if (drag.side === 'start') pl.notes.place(drag.note.id, Math.max(0, Math.min(start + by, end - SHORTEST)), end)
  else pl.notes.place(drag.note.id, start, Math.min(duration, Math.max(end + by, start + SHORTEST)))
})
const drop = () => {
  const done = drag
  drag = null
  pl.wave.later()
  if (!done) return
  requestAnimationFrame(() => setTimeout(() => { // it is seen where it lies before it is kept and the list follows
    if (done.isMoved) pl.notes.stretched(done.note.id, done.before)
    pl.notes.choose(done.note.id)
  }))
}
canvas.addEventListener('pointerup', (event) => {
  if (drag && !drag.isMoved) pl.seek(pl.wave.msAt(event))
  drop()
})
canvas.addEventListener('pointercancel', drop)

pl.lanes = { draw, showHover, isDragging: () => Boolean(drag?.isMoved) }
const listen = () => { voices = [...new Set(pl.turns.map((turn) => turn.speaker).filter(Boolean))].slice(0, 4) }
bench.addEventListener('bench:turns', listen)
for (const name of ['bench:notes', 'bench:turns']) bench.addEventListener(name, () => { isStale = true; pl.wave.later() })
listen()
arrange()
