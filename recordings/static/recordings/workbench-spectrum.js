// The spectrogram beneath the waveform, on demand: painted from the stored spectrum in the ink of the page, so that it is dark on
// light by day and light on dark by night. Only what the window shows is fetched, and the last few pieces are kept.

const bench = document.getElementById('bench')
const { pl } = bench
const canvas = document.getElementById('bench-spectrum')
const button = bench.querySelector('[data-do="spectrum"]')
const BANDS = 80
const SIZES = [10, 40, 160] // milliseconds a pixel by level
const WIDEST = 900_000 // milliseconds of a window; beyond that nothing could be made out
const TILE = 512 // pixels
const TILES = 24 // kept; 40 kB and a small picture each

const tiles = new Map()
let isOn = false
let colour = ''

const rgb = () => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  probe.fillStyle = pl.wave.ink().strong
  probe.fillRect(0, 0, 1, 1)
  return probe.getImageData(0, 0, 1, 1).data
}
const picture = (bytes) => {
  const width = Math.floor(bytes.length / BANDS)
  if (!width) return { width: 0 }
  const made = document.createElement('canvas')
  made.width = width
  made.height = BANDS
  const context = made.getContext('2d')
  const image = context.createImageData(width, BANDS)
  const [red, green, blue] = rgb()
  for (let x = 0; x < width; x += 1) {
    for (let band = 0; band < BANDS; band += 1) {
      const value = bytes[x * BANDS + band] / 255
      const at = 4 * ((BANDS - 1 - band) * width + x)
      image.data[at] = red
      image.data[at + 1] = green
      image.data[at + 2] = blue
      image.data[at + 3] = 255 * Math.max(0, (value - 0.25) / 0.75) ** 1.4
    }
  }
  context.putImageData(image, 0, 0)
  return { width, made }
}
const tile = (level, number) => {
  const key = `${level}/${number}`
  if (tiles.has(key)) {
    const there = tiles.get(key)
    if (there) { tiles.delete(key); tiles.set(key, there) }
    return there
  }
  tiles.set(key, null)
  fetch(`${bench.dataset.mel}?level=${level}&start=${number * TILE}&end=${(number + 1) * TILE}`).then(async (response) => {
    if (!response.ok) throw new Error(String(response.status))
    tiles.set(key, picture(new Uint8Array(await response.arrayBuffer())))
    for (const old of tiles.keys()) { if (tiles.size <= TILES) break; tiles.delete(old) }
    pl.wave.later()
  }).catch(() => setTimeout(() => tiles.delete(key), 5000))
  return null
}

const draw = () => {
  if (!isOn) return
  if (colour !== pl.wave.ink().strong) { tiles.clear(); colour = pl.wave.ink().strong } // another scheme: painted anew
  const { context, width, height } = pl.wave.fit(canvas)
  const { from, span } = pl.wave.view()
  const say = (sentence) => {
    context.font = pl.wave.ink().font
    context.fillStyle = pl.wave.ink().text
    context.fillText(sentence, 8, 20)
  }
  canvas.dataset.drawn = '0'
  if (span > WIDEST) return say('Come closer to see the spectrogram.')
  const perPixel = span / Math.max(1, width)
  const level = perPixel < 20 ? 0 : perPixel < 80 ? 1 : 2
  const long = TILE * SIZES[level]
  let isEmpty = true
  for (let number = Math.max(0, Math.floor(from / long)); number * long < from + span; number += 1) {
    const there = tile(level, number)
    if (!there?.width) { isEmpty &&= there !== null; continue }
    isEmpty = false
    const x = ((number * long - from) / span) * width
    context.imageSmoothingEnabled = true
    context.drawImage(there.made, x, 0, (there.width * SIZES[level] / span) * width, height)
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn) + 1)
  }
  if (isEmpty) say('There is no spectrogram for this recording yet.')
}

const toggle = () => {
  isOn = !isOn
  canvas.hidden = !isOn
  button.setAttribute('aria-pressed', String(isOn))
  if (!isOn) tiles.clear()
  pl.say(isOn ? 'Spectrogram shown beneath the waveform' : 'Spectrogram put away')
  pl.wave.later()
}
pl.spectrum = { draw, isOn: () => isOn }
Object.assign((pl.actions ??= {}), { spectrum: toggle })
