// The overview: the whole recording with its marks and what was heard, and where one is in it.

const bench = document.getElementById('bench')
const { pl } = bench
const overview = document.getElementById('bench-overview')
const { duration } = pl.data

// The overview changes seldom: waves are drawn once, unplayed and played, marks when they changed and there is time for it, and the
// three are put together where something would look different.
let layers = null
let marks = null
let shown = ''
const layer = (width, height, fill) => {
  const canvas = document.createElement('canvas')
  canvas.width = overview.firstElementChild.width
  canvas.height = overview.firstElementChild.height
  const context = canvas.getContext('2d')
  context.scale(canvas.width / width, canvas.height / height)
  fill(context)
  return canvas
}
const drawLayers = (width, height) => {
  layers = [0, duration].map((now) => layer(width, height, (context) => pl.wave.columns(context, width, 14, height - 20, 0, duration, now)))
  layers.size = `${width} ${height}`
  marks = null
}
const drawMarks = (width, height) => {
  const x = (ms) => (ms / duration) * width
  marks = layer(width, height, (context) => {
    context.fillStyle = pl.wave.ink().heard
    for (const [start, end] of pl.heard) context.fillRect(x(start), height - 3, Math.max(1, x(end) - x(start)), 3)
    let free = 0 // shapes that would lie on one another are not drawn
    for (const note of pl.notes?.list() ?? []) {
      context.fillStyle = pl.wave.ink().codes[note.code]
      context.fillRect(x(note.start), 12, Math.max(2, x(note.end) - x(note.start)), 2)
      if (x(note.start) < free) continue
      pl.wave.drawShape(context, note.code, Math.min(width - 10, x(note.start)), 1, 9)
      free = x(note.start) + 8
    }
  })
}
const draw = (now) => {
  const { from, span } = pl.wave.view()
  tell(now)
  const { width, height } = pl.wave.size(overview.firstElementChild)
  if (!width) return
  const at = Math.round((now / duration) * width)
  const looks = [width, height, at, from, span].join()
  if (layers && marks && looks === shown) return
  shown = looks
  const { context } = pl.wave.fit(overview.firstElementChild)
  if (layers?.size !== `${width} ${height}`) drawLayers(width, height)
  if (!marks) drawMarks(width, height)
  const ratio = layers[0].width / width
  context.drawImage(layers[0], 0, 0, width, height)
  if (at * ratio >= 1) {
    context.clearRect(0, 0, at, height)
    context.drawImage(layers[1], 0, 0, at * ratio, layers[1].height, 0, 0, at, height)
  }
  context.drawImage(marks, 0, 0, width, height)
  if (span < duration) {
    context.strokeStyle = pl.wave.ink().text
    context.strokeRect((from / duration) * width + 0.5, 0.5, (span / duration) * width - 1, height - 1)
  }
  context.fillStyle = pl.wave.ink().head
  context.fillRect(at - 1, 0, 2, height)
}

let told = null
const tell = (now) => {
  const words = `${pl.clock(now)} of ${pl.clock(duration)}`
  if (words === told) return
  told = words
  overview.setAttribute('aria-valuenow', String(now))
  overview.setAttribute('aria-valuetext', words)
}

let settling = 0
for (const name of ['bench:notes', 'bench:heard']) {
  bench.addEventListener(name, () => {
    clearTimeout(settling)
    settling = setTimeout(() => { marks = null; pl.wave.later() }, 150)
  })
}
pl.overview = { draw, anew: () => { layers = null } }
pl.wave.later()

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
  if (event.shiftKey) return
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? duration : step && pl.now() + step
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  pl.seek(to)
})
