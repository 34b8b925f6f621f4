// The transcript: it follows the sound, a click on a word plays from there, selected words can be marked, and it can be searched.
// An hour and a half is some two thousand turns, so only those near what is looked at are in the page: ten make a block, a
// block that is far away is an empty box of its own height, and its heading stays for whoever moves by headings.

const bench = document.getElementById('bench')
const { pl } = bench
const pane = document.getElementById('bench-transcript')
const holder = document.getElementById('bench-turns')
const BLOCK = 10
const BUDGET = 6 // milliseconds of a frame
const LINE = 26 // pixels, as in the style sheet

const turns = []
const blocks = []
let starts = new Int32Array(0) // of all words, in milliseconds
let lit = null
let litTurn = null
let letGoUntil = 0

const lastStart = (ms) => {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (starts[middle] <= ms) low = middle + 1
    else high = middle
  }
  return low - 1
}
const make = (tag, className, text) => {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

// Blocks

const turnElement = (turn) => {
  const element = make('li', `pl-turn${turn.reason ? ' pl-turn--unsupported' : ''}`)
  const time = make('a', 'pl-turn__time', pl.clock(turn.start))
  time.href = `?at=${turn.start}#bench-player`
  time.dataset.start = turn.start
  const text = make('p', 'pl-turn__text')
  if (turn.speaker) text.append(make('b', 'pl-turn__who', turn.speaker), ' ')
  const inside = turn.reason ? make('s') : text
  turn.spans = turn.text.split(' ').map((word, at) => {
    const span = make('span', '', `${word} `)
    span.dataset.w = turn.first + at
    return span
  })
  inside.append(...turn.spans)
  if (turn.reason) text.append(inside, ' ', make('small', 'pl-turn__reason', turn.reason))
  element.append(time, text)
  turn.element = element
  return element
}
const fill = (block) => {
  if (block.isFilled) return
  block.isFilled = true
  block.list.style.height = ''
  block.list.replaceChildren(...block.turns.map(turnElement))
  underline(block)
  showFound(block)
  if (litTurn && block.turns.includes(litTurn)) { litTurn.element.classList.add('is-now'); lit = null }
}
const empty = (block, height, chosen) => {
  if (!block.isFilled || block.list.contains(document.activeElement) || chosen?.intersectsNode(block.list)) return
  block.list.style.height = `${height}px`
  block.isFilled = false
  block.list.replaceChildren()
  for (const turn of block.turns) { turn.element = null; turn.spans = null }
}
const guess = (block, width) => {
  const letters = Math.max(20, width / 8.6)
  return block.turns.reduce((sum, turn) => sum + 8 + LINE * (Math.ceil((turn.text.length + turn.speaker.length + 1) / letters) + (turn.reason ? 1 : 0)), 0)
}
const wanted = new Set() // near what is looked at, and not there yet: a few in each frame
let frame = 0
const work = () => {
  const end = performance.now() + BUDGET
  for (const block of wanted) {
    wanted.delete(block)
    fill(block)
    if (performance.now() > end) break
  }
  frame = wanted.size ? requestAnimationFrame(work) : 0
}
let watcher = null
const isWide = matchMedia('(min-width: 60em) and (min-height: 40em)') // the pane scrolls; elsewhere the page does
const watch = () => {
  watcher?.disconnect()
  watcher = new IntersectionObserver((entries) => {
    const selected = getSelection() // read before anything is written: it lays the page out
    const chosen = selected.isCollapsed || !selected.rangeCount ? null : selected.getRangeAt(0)
    for (const entry of entries) {
      const block = blocks[Number(entry.target.dataset.block)]
      if (entry.isIntersecting) { if (!block.isFilled) wanted.add(block); continue }
      wanted.delete(block)
      if (entry.boundingClientRect.height) empty(block, entry.boundingClientRect.height, chosen)
    }
    if (wanted.size) frame ||= requestAnimationFrame(work)
  }, { root: isWide.matches ? pane : null, rootMargin: '600px 0px' })
  for (const block of blocks) watcher.observe(block.element)
}

const take = ({ speakers, reasons, turns: rows, silences }) => {
  let first = 0
  for (const [start, length, speaker, reason, text, steps] of rows) {
    turns.push({ start, end: start + length, speaker: speakers[speaker] ?? '', reason: reasons[reason] ?? '', text, steps, first, element: null, spans: null })
    first += steps.length
  }
  starts = new Int32Array(first)
  for (const turn of turns) turn.steps.reduce((at, step, word) => (starts[turn.first + word] = at + step), turn.start)
  pl.silences = silences.map(([start, end]) => ({ start, end }))
  pl.turns = turns
  const width = Math.min(736, (holder?.clientWidth ?? 600) - 84)
  for (let at = 0; at < turns.length; at += BLOCK) {
    const inside = turns.slice(at, at + BLOCK)
    const element = make('section', 'pl-block')
    element.dataset.block = blocks.length
    const list = make('ol', 'pl-turns')
    element.append(make('h3', 'nhsuk-u-visually-hidden', `${pl.clock(inside[0].start)} to ${pl.clock(inside.at(-1).end)}`), list)
    const block = { element, list, turns: inside, isFilled: false }
    list.style.height = `${guess(block, width)}px`
    for (const turn of inside) turn.block = block
    blocks.push(block)
  }
  holder?.replaceChildren(...blocks.map((block) => block.element))
  watch()
  bench.dispatchEvent(new Event('bench:turns'))
}

// Following

const light = () => {
  if (!turns.length) return
  const ms = pl.now()
  const at = lastStart(ms)
  const turn = turns[pl.lastBefore(turns, ms)] ?? null
  const word = turn?.spans?.[at - turn.first] ?? null
  if (word !== lit) {
    lit?.classList.remove('is-now')
    word?.classList.add('is-now')
    lit = word
  }
  if (turn === litTurn) return
  litTurn?.element?.classList.remove('is-now')
  litTurn = turn
  turn?.element?.classList.add('is-now')
  if (turn && Date.now() > letGoUntil) follow(turn)
}
// The waveform and the clock show a new place at once; the words come right after.
let following = 0
const follow = (turn) => {
  cancelAnimationFrame(following)
  following = requestAnimationFrame(() => setTimeout(() => { if (turn === litTurn && Date.now() > letGoUntil) { show(turn); light() } }))
}
const show = (turn, { force = false } = {}) => {
  if (!force && pane.scrollHeight <= pane.clientHeight + 4) return // the page scrolls, not the pane: leave it to the reader
  fill(turn.block)
  const here = turn.element.getBoundingClientRect()
  const frame = isWide.matches ? pane.getBoundingClientRect() : { top: 0, bottom: innerHeight, height: innerHeight }
  if (here.top > frame.top + 12 && here.bottom < frame.bottom - 12) return
  const isFar = Math.abs(here.top - frame.top) > 2 * frame.height || matchMedia('(prefers-reduced-motion: reduce)').matches
  turn.element.scrollIntoView({ block: 'center', behavior: isFar || force ? 'instant' : 'smooth' })
}
bench.addEventListener('bench:tick', light)
for (const kind of ['wheel', 'touchmove', 'pointerdown']) pane.addEventListener(kind, () => { letGoUntil = Date.now() + 5000 }, { passive: true })

pane.addEventListener('click', (event) => {
  const time = event.target.closest('.pl-turn__time[data-start]')
  const word = event.target.closest('[data-w]')
  if (time) event.preventDefault()
  if (time) pl.seek(Number(time.dataset.start))
  else if (word && getSelection().isCollapsed) pl.seek(starts[word.dataset.w])
})

// Selected words become the selection of the waveform: the next code applies to them.

let isFromText = false
let settling = 0
const edge = (node) => (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.('#bench-turns [data-w]')
const readSelection = () => {
  const chosen = getSelection()
  if (pl.data.isLocked) return
  if (chosen.isCollapsed) {
    if (isFromText) { isFromText = false; pl.wave?.select(null) }
    return
  }
  if (!chosen.rangeCount || !holder?.contains(chosen.getRangeAt(0).commonAncestorContainer)) return
  const range = chosen.getRangeAt(0)
  const inside = [...holder.querySelectorAll('[data-w]')].filter((span) => range.intersectsNode(span))
  if (range.startContainer === edge(range.startContainer)?.firstChild && range.startOffset >= range.startContainer.length - 1) inside.shift()
  if (edge(range.endContainer) === inside.at(-1) && range.endOffset === 0) inside.pop()
  if (!inside.length) return
  const [first, last] = [Number(inside[0].dataset.w), Number(inside.at(-1).dataset.w)]
  const turn = turns[pl.lastBefore(turns, starts[last])]
  const next = last + 1 < turn.first + turn.steps.length ? starts[last + 1] : turn.end
  isFromText = true
  pl.wave?.select(starts[first], Math.max(next, starts[last] + 200))
}
document.addEventListener('selectionchange', () => { clearTimeout(settling); settling = setTimeout(readSelection, 120) })
pl.letGoText = () => { isFromText = false; if (!getSelection().isCollapsed && holder?.contains(getSelection().anchorNode)) getSelection().removeAllRanges() }

// Marked words are underlaid

let marked = []
const isMarked = (ms) => {
  const range = marked[pl.lastBefore(marked, ms)]
  return Boolean(range) && ms < range.end
}
function underline(block) {
  for (const turn of block.turns) {
    turn.spans.forEach((span, at) => {
      const is = isMarked(starts[turn.first + at])
      if (is !== Boolean(span.isMarked)) span.classList.toggle('is-marked', is)
      span.isMarked = is
    })
  }
}
let isAsked = false
bench.addEventListener('bench:notes', () => {
  if (isAsked) return
  isAsked = true
  requestAnimationFrame(() => {
    isAsked = false
    marked = []
    for (const { start, end } of pl.notes?.shown() ?? []) {
      const last = marked.at(-1)
      if (last && start <= last.end) last.end = Math.max(last.end, end)
      else marked.push({ start, end })
    }
    for (const block of blocks) if (block.isFilled) underline(block)
  })
})

// Finding

const field = document.getElementById('bench-find')
const foundLine = document.getElementById('bench-found')
let found = [] // [turn, first word, words]
let foundAt = -1
function showFound(block) {
  for (const turn of block.turns) for (const span of turn.spans) span.classList.remove('is-found')
  const hit = found[foundAt]
  if (hit && block.turns.includes(hit[0])) for (const span of hit[0].spans.slice(hit[1], hit[1] + hit[2])) span.classList.add('is-found')
}
const goTo = (at) => {
  const old = found[foundAt]
  foundAt = at
  if (old?.[0].spans) showFound(old[0].block)
  const hit = found[at]
  foundLine.textContent = hit ? `${at + 1} of ${found.length}` : field.value.trim() ? 'Not in the transcript' : ''
  if (!hit) return
  letGoUntil = Date.now() + 5000
  show(hit[0], { force: true })
  showFound(hit[0].block)
}
const search = () => {
  for (const block of blocks) if (block.isFilled) for (const span of block.list.querySelectorAll('.is-found')) span.classList.remove('is-found')
  const wanted = field.value.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  found = []
  foundAt = -1
  if (wanted) {
    for (const turn of turns) {
      const text = turn.text.toLowerCase()
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
        found.push([turn, text.slice(0, at).split(' ').length - 1, text.slice(at, at + wanted.length).split(' ').length])
      }
    }
  }
  const here = found.findIndex(([turn]) => turn.end >= pl.now())
  goTo(found.length ? Math.max(0, here) : -1)
}
const step = (by) => { if (found.length) goTo((foundAt + by + found.length) % found.length) }
field?.addEventListener('input', () => { clearTimeout(search.timer); search.timer = setTimeout(search, 120) })
field?.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return
  event.preventDefault()
  event.stopPropagation()
  const hit = found[foundAt]
  if ((event.ctrlKey || event.metaKey) && hit) { pl.seek(starts[hit[0].first + hit[1]]); pl.play() } else step(event.shiftKey ? -1 : 1)
})
Object.assign((pl.actions ??= {}), {
  find: () => { if (field) { pl.open?.('transcript'); field.focus(); field.select() } },
  'find-before': () => step(-1),
  'find-after': () => step(1),
})

try {
  const response = holder ? await fetch(bench.dataset.words, { headers: { Accept: 'application/json' } }) : null
  if (response && !response.ok) throw new Error(String(response.status))
  if (response) take(await response.json())
} catch {
  pl.hint('Only part of the transcript could be loaded. Load the page again for all of it.')
}
isWide.addEventListener('change', watch)
light()
