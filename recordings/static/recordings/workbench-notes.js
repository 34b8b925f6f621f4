// Annotations: marked by a key or a click, shown at once, saved behind. What a note should be and what the server holds are kept
// side by side (`note`, `note.stored`); the next request is whatever makes the second like the first.

const bench = document.getElementById('bench')
const { pl } = bench
const list = document.getElementById('bench-notes')
const none = document.getElementById('bench-no-notes')
const filter = document.getElementById('bench-filter')
const model = document.getElementById('bench-note')
const undoLine = document.getElementById('bench-undo')
const codes = new Map(pl.data.codes.map((code) => [code.slug, code]))
const { duration } = pl.data
const NIL = '00000000-0000-0000-0000-000000000000'
const REACTION = 800 // people press a little after they hear
const LENGTH = 8000
const SHORTEST = 200

const notes = new Map()
const undone = []
let latest = null

const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
const span = (note) => `${pl.clock(note.start)} to ${pl.clock(note.end)}`
const part = (note, name) => note.element.querySelector(`[data-slot="${name}"]`)
const field = (note, name) => note.element.querySelector(`[name="${name}"]`)
let sorted = null // made anew after every change; asked for in each frame
const kept = () => (sorted ??= [...notes.values()].filter((note) => !note.removed).sort((a, b) => a.start - b.start || a.end - b.end))

pl.notes = {
  current: null,
  list: kept,
  name: (slug) => codes.get(slug)?.name ?? slug,
  stretch: (id, side, ms) => {
    const note = notes.get(id)
    if (side === 'start') note.start = Math.max(0, Math.min(ms, note.end - SHORTEST))
    else note.end = Math.min(duration, Math.max(ms, note.start + SHORTEST))
    pl.notes.current = id
    show(note)
  },
  stretched: (id, before) => { undone.push({ id, before: fields(before) }); save(notes.get(id)); offerUndo('Times changed.'); order() },
}
const fields = ({ code, start, end, comment, removed }) => ({ code, start, end, comment, removed })

// Showing

const show = (note) => {
  sorted = null
  const { element } = note
  const code = codes.get(note.code)
  const shape = element.querySelector('.pl-code-shape')
  shape.setAttribute('class', `pl-code-shape pl-code-${code?.colour ?? 0}`)
  shape.firstElementChild.setAttribute('d', code?.shape ?? '')
  for (const name of element.querySelectorAll('[data-slot="code"]')) name.textContent = pl.notes.name(note.code)
  part(note, 'time').textContent = span(note)
  if (part(note, 'at')) part(note, 'at').textContent = pl.clock(note.start)
  if (!pl.data.isLocked) {
    for (const [name, value] of Object.entries({ code: note.code, start: pl.clock(note.start, true), end: pl.clock(note.end, true), comment: note.comment })) {
      const control = field(note, name)
      if (control !== document.activeElement && control.value !== value) control.value = value
    }
  }
  bench.dispatchEvent(new Event('bench:notes'))
}
// A comment's field is as tall as its text. Where CSS cannot do it: all heights are read at once, then all written.
const growAll = (areas) => {
  if (CSS.supports('field-sizing', 'content')) return
  for (const area of areas) area.style.height = 'auto'
  const heights = areas.map((area) => area.scrollHeight)
  areas.forEach((area, at) => { if (heights[at]) area.style.height = `${heights[at] + 2}px` })
}
const underline = (shown) => {
  let at = 0
  let end = -1
  for (const word of pl.words) {
    while (at < shown.length && shown[at].start <= word.start) { end = Math.max(end, shown[at].end); at += 1 }
    const isMarked = word.start < end
    if (isMarked !== Boolean(word.isMarked)) word.element.classList.toggle('is-marked', isMarked)
    word.isMarked = isMarked
  }
}
const order = () => {
  sorted = null
  const shown = kept().filter((note) => !filter.value || note.code === filter.value)
  for (const note of notes.values()) if (!shown.includes(note)) note.element.remove()
  shown.forEach((note, at) => { if (list.children[at] !== note.element) list.insertBefore(note.element, list.children[at] ?? null) })
  const all = kept().length
  none.hidden = shown.length > 0
  none.firstElementChild.textContent = all ? 'No annotations with this code' : `No annotations ${pl.data.isLocked ? 'were made' : 'yet'}`
  bench.querySelector('[data-slot="note-count"]').textContent = String(all)
  underline(shown)
  bench.dispatchEvent(new Event('bench:notes'))
}
const choose = (note, { scroll = true } = {}) => {
  notes.get(pl.notes.current)?.element.classList.remove('is-current')
  pl.notes.current = note?.id ?? null
  note?.element.classList.add('is-current')
  if (scroll && note?.element.isConnected) note.element.scrollIntoView({ block: 'nearest' })
  pl.wave?.later()
}

const adopt = (data, element) => {
  const note = { ...data, element, stored: data.version ? { ...data } : null }
  if (!element) {
    const holder = document.createElement('ol')
    holder.innerHTML = model.innerHTML.replaceAll(NIL, note.id)
    note.element = holder.querySelector('li')
    for (const live of note.element.querySelectorAll('[data-live]')) live.hidden = false
  }
  notes.set(note.id, note)
  listen(note)
  return note
}

// Saving

const next = (note) => {
  const url = (what) => bench.dataset.create.replace(/reviews\/.*$/, `annotations/${note.id}/${what}/`)
  const form = { code: note.code, start: pl.clock(note.start, true), end: pl.clock(note.end, true), comment: note.comment }
  if (!note.stored) return note.removed ? null : { url: bench.dataset.create, fields: { id: note.id, ...form } }
  if (note.removed !== note.stored.removed) return { url: url(note.removed ? 'remove' : 'restore'), fields: {} }
  const isSame = ['code', 'start', 'end'].every((name) => note[name] === note.stored[name]) && note.comment.trim() === note.stored.comment
  return isSame || note.removed ? null : { url: url('change'), fields: { version: note.stored.version, ...form } }
}
const problem = (note, sentence) => {
  const place = part(note, 'error')
  place.hidden = !sentence
  place.textContent = sentence
  if (sentence) pl.say(sentence)
}
const save = (note, wait = 0) => pl.save({
  key: `note:${note.id}`,
  build: () => next(note),
  done: ({ annotation }) => {
    note.stored = annotation
    problem(note, '')
    if (next(note)) save(note)
  },
  conflict: (stored) => {
    note.stored = stored
    const about = (one) => (one.removed ? 'removed' : `${pl.notes.name(one.code)}, ${span(one)}${one.comment ? `, “${one.comment}”` : ', no comment'}`)
    pl.ask(note.element.querySelector('[data-slot="conflict"]'), {
      theirs: about(stored),
      ours: about(note),
      keep: () => save(note),
      take: () => { Object.assign(note, fields(stored)); show(note); order() },
    })
  },
  refused: (sentence) => problem(note, `Not saved. ${sentence}`),
}, wait)

// Doing

const offerUndo = (sentence) => {
  undoLine.hidden = false
  undoLine.querySelector('[data-slot="undo-text"]').textContent = sentence
  clearTimeout(offerUndo.timer)
  offerUndo.timer = setTimeout(() => { undoLine.hidden = true }, 8000)
}
const mark = (slug) => {
  if (pl.data.isLocked) return
  const now = pl.now()
  const chosen = pl.wave.take()
  const before = notes.get(latest)
  const button = bench.querySelector(`[data-code="${slug}"]`)
  button?.classList.add('is-hit')
  setTimeout(() => button?.classList.remove('is-hit'), 300)
  if (!chosen && before && !before.removed && before.code === slug && now > before.start + 1500 && now <= before.end) {
    undone.push({ id: before.id, before: fields(before) })
    before.end = Math.min(duration, now + LENGTH)
    show(before)
    save(before)
    return pl.say(`Longer: ${span(before)}`)
  }
  const start = Math.round(chosen?.start ?? Math.max(0, Math.min(now - REACTION, duration - 1000)))
  const end = Math.round(chosen?.end ?? Math.min(duration, start + LENGTH))
  const note = adopt({ id: newId(), code: slug, start, end, comment: '', version: 0, removed: false })
  latest = note.id
  undone.push({ id: note.id, before: { removed: true } })
  if (filter.value && filter.value !== slug) filter.value = ''
  show(note)
  order()
  choose(note)
  save(note)
  offerUndo(`${pl.notes.name(slug)}, ${span(note)}.`)
  pl.say(`${pl.notes.name(slug)}, ${span(note)}`)
}
const remove = (note) => {
  undone.push({ id: note.id, before: { removed: false } })
  note.removed = true
  if (note.id === latest) latest = null
  order()
  save(note)
  choose(null)
  offerUndo(`${pl.notes.name(note.code)} at ${pl.clock(note.start)} removed.`)
  pl.say('Removed. Press Z to undo.')
}
const undo = () => {
  const last = undone.pop()
  if (!last) return pl.say('Nothing to undo.')
  const note = notes.get(last.id)
  Object.assign(note, last.before)
  undoLine.hidden = true
  show(note)
  growAll([...note.element.querySelectorAll('textarea')])
  order()
  save(note)
  if (!note.removed) choose(note)
  pl.say('Undone.')
}
const playNote = (note) => { choose(note); pl.playRange(note.start, note.end) }
const at = () => notes.get(pl.notes.current) ?? notes.get(latest)
const move = (side) => {
  const note = at()
  if (!note || note.removed || pl.data.isLocked) return pl.say('Choose an annotation first.')
  const before = { ...note }
  pl.notes.stretch(note.id, side, pl.now())
  pl.notes.stretched(note.id, before)
  pl.say(span(note))
}
const step = (by) => {
  const all = kept().filter((note) => !filter.value || note.code === filter.value)
  const here = all.findIndex((note) => note.id === pl.notes.current)
  const from = here >= 0 ? here + by : by > 0 ? all.findIndex((note) => note.start > pl.now()) : all.findLastIndex((note) => note.start < pl.now())
  if (all[from]) playNote(all[from])
  else pl.say('No further annotation.')
}

let wasPlaying = false
Object.assign(pl.actions, {
  digit: (digit) => { const code = pl.data.codes.find((one) => one.digit === digit); if (code) mark(code.slug) },
  undo,
  comment: () => {
    const note = at()
    if (!note || note.removed || pl.data.isLocked) return pl.say('Mark a moment first, then comment on it.')
    wasPlaying = pl.isPlaying()
    pl.pause()
    pl.open('annotations')
    choose(note)
    field(note, 'comment').focus()
  },
  written: () => {
    document.activeElement.blur()
    document.getElementById('bench-overview').focus({ preventScroll: true })
    if (wasPlaying) pl.play()
    wasPlaying = false
  },
  'start-here': () => move('start'),
  'end-here': () => move('end'),
  next: () => step(1),
  previous: () => step(-1),
})
document.getElementById('bench-codes')?.addEventListener('click', (event) => {
  const slug = event.target.closest('[data-code]')?.dataset.code
  if (!slug) return
  mark(slug)
  if (document.getElementById('bench-codes').classList.contains('is-open')) pl.actions.codes()
})

const readTime = (note, side, control) => {
  const ms = pl.parse(control.value)
  const other = side === 'start' ? note.end : note.start
  const wrong = ms === null ? 'Enter a time in minutes and seconds, such as 2:10.'
    : ms > duration + 999 ? 'That time is outside the recording.'
      : (side === 'start' ? other - ms : ms - other) < SHORTEST ? 'An annotation must end after it starts.' : ''
  control.setAttribute('aria-invalid', String(Boolean(wrong)))
  problem(note, wrong)
  if (wrong) return
  undone.push({ id: note.id, before: fields(note) })
  note[side] = Math.min(ms, duration)
  show(note)
  order()
  save(note)
}

function listen(note) {
  const { element } = note
  element.addEventListener('click', (event) => {
    const act = event.target.closest('[data-act]')?.dataset.act
    if (!act) return choose(note, { scroll: false })
    event.preventDefault()
    if (act === 'play') playNote(note)
    if (act === 'remove') remove(note)
    if (act === 'start-now' || act === 'end-now') { choose(note); move(act.slice(0, -4)) }
  })
  if (pl.data.isLocked) return
  element.addEventListener('focusin', () => choose(note, { scroll: false }))
  field(note, 'comment').addEventListener('input', (event) => { note.comment = event.target.value; growAll([event.target]); save(note, 800) })
  field(note, 'comment').addEventListener('blur', () => save(note))
  field(note, 'code').addEventListener('change', (event) => {
    undone.push({ id: note.id, before: fields(note) })
    note.code = event.target.value
    show(note)
    order()
    save(note)
  })
  for (const side of ['start', 'end']) field(note, side).addEventListener('change', (event) => readTime(note, side, event.target))
  for (const form of element.querySelectorAll('form')) form.addEventListener('submit', (event) => event.preventDefault())
}

// Which is being heard

bench.addEventListener('bench:tick', () => {
  const now = pl.now()
  for (const note of kept()) {
    const isOn = pl.isPlaying() && note.start <= now && now < note.end
    if (isOn !== Boolean(note.isOn)) note.element.classList.toggle('is-playing', isOn)
    note.isOn = isOn
  }
})

// The filter stays in the address

filter.addEventListener('change', () => { history.replaceState(null, '', filter.value ? `#code=${filter.value}` : location.pathname + location.search); order() })
for (const data of pl.data.annotations) adopt(data, document.getElementById(`annotation-${data.id}`))
const asked = location.hash.match(/^#code=([\w-]+)$/)?.[1]
if (codes.has(asked)) filter.value = asked
order()
new ResizeObserver(() => growAll([...list.querySelectorAll('textarea')])).observe(list)
if (location.hash.startsWith('#annotation-')) choose(notes.get(location.hash.slice(12)) ?? null)
