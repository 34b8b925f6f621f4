// Annotations: marked by a key or a click, shown at once, saved behind. What a note should be and what the server holds are kept
// side by side (`note`, `note.stored`); the next request is whatever makes the second like the first. Where each stands in the list, and
// when its fields are made, is for workbench-notelist.js.

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
const REACTION = pl.data.settings.reaction // people press a little after they hear
const [LENGTH, SHORTEST] = [8000, 200]

const notes = new Map()
let latest = null // the mark made last

const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
const span = (note) => `${pl.clock(note.start)} to ${pl.clock(note.end)}`
const part = (note, name) => filled(note).querySelector(`[data-slot="${name}"]`)
const field = (note, name) => filled(note).querySelector(`[name="${name}"]`)
let [sorted, reach] = [null, []] // made anew after every change; until when each of them, or any before it, lasts
const kept = () => {
  if (sorted) return sorted
  sorted = [...notes.values()].filter((note) => !note.removed).sort((a, b) => a.start - b.start || a.end - b.end)
  let end = 0
  reach = sorted.map((note) => (end = Math.max(end, note.end)))
  return sorted
}
// Those that touch a stretch, in order, without looking at all of them.
const between = (from, to) => {
  const all = kept()
  const found = []
  for (let at = pl.lastBefore(all, to); at >= 0 && reach[at] >= from; at -= 1) if (all[at].end >= from) found.push(all[at])
  return found.reverse()
}

const isShown = ({ code }) => !filter.value || code === filter.value || codes.get(code)?.parent === filter.value
const shownNow = () => (filter.value ? kept().filter(isShown) : kept())
const clamped = (start, end) => ({ start: Math.max(0, Math.round(start)), end: Math.min(duration, Math.round(end)) })

pl.notes = {
  current: null,
  list: kept,
  between,
  shown: shownNow,
  name: (slug) => codes.get(slug)?.name ?? slug,
  shape: (slug) => shapeOf(codes.get(slug)),
  choose: (id, how) => choose(notes.get(id), how),
  place: (id, start, end) => {
    const note = notes.get(id)
    Object.assign(note, clamped(start, end))
    pl.notes.current = id
    show(note)
  },
  stretch: (id, side, ms) => {
    const note = notes.get(id)
    if (side === 'start') pl.notes.place(id, Math.min(ms, note.end - SHORTEST), note.end)
    else pl.notes.place(id, note.start, Math.max(ms, note.start + SHORTEST))
  },
  stretched: (id, before) => changed(notes.get(id), before, `times of ${pl.notes.name(before.code)}`),
}
const fields = ({ code, start, end, comment, removed }) => ({ code, start, end, comment, removed })

// Showing

const setShape = (shape, code) => {
  shape.setAttribute('class', `pl-code-shape pl-code-${code?.colour ?? 0}`)
  shape.firstElementChild.setAttribute('d', code?.shape ?? '')
}
const shapeOf = (code) => {
  const shape = model.content.querySelector('.pl-code-shape').cloneNode(true)
  setShape(shape, code)
  return shape
}
const inner = model.content.firstElementChild.innerHTML
const filled = (note) => {
  if (note.isFilled) return note.element
  note.isFilled = true
  note.element.innerHTML = inner.replaceAll(NIL, note.id)
  for (const live of note.element.querySelectorAll('[data-live]')) live.hidden = false
  note.element.style.minHeight = ''
  listen(note)
  draw(note)
  return note.element
}
const isBusy = ({ element, isFilled }) => isFilled && (element.contains(document.activeElement) || element.querySelector('.pl-conflict, .pl-note__error:not([hidden]), details[open]') !== null)
const emptied = (note, height) => {
  if (!note.isFilled || isBusy(note)) return
  note.element.style.minHeight = height ? `${height}px` : ''
  note.isFilled = false
  note.element.replaceChildren()
}
const show = (note) => {
  sorted = null
  if (note.isFilled) draw(note)
  bench.dispatchEvent(new Event('bench:notes'))
}
function draw(note) {
  const { element } = note
  const code = codes.get(note.code)
  setShape(element.querySelector('.pl-code-shape'), code)
  const parent = codes.get(code?.parent)
  for (const name of element.querySelectorAll('[data-slot="code"]')) name.textContent = `${parent ? `${parent.name}: ` : ''}${pl.notes.name(note.code)}`
  part(note, 'meant').textContent = code && note.meant && note.meant < code.meant ? `As the code was defined then (version ${note.meant})` : ''
  part(note, 'time').textContent = span(note)
  if (part(note, 'at')) part(note, 'at').textContent = pl.clock(note.start)
  if (!pl.data.isLocked) {
    for (const [name, value] of Object.entries({ code: note.code, start: pl.clock(note.start, true), end: pl.clock(note.end, true), comment: note.comment })) {
      const control = field(note, name)
      if (control !== document.activeElement && control.value !== value) control.value = value
    }
  } else part(note, 'said').textContent = note.comment
}
const growFields = (those) => growAll(those.flatMap((note) => [...note.element.querySelectorAll('textarea')]))
// A comment's field is as tall as its text. Where CSS cannot do it: all heights are read at once, then all written.
const growAll = (areas) => {
  if (CSS.supports('field-sizing', 'content')) return
  for (const area of areas) area.style.height = 'auto'
  const heights = areas.map((area) => area.scrollHeight)
  areas.forEach((area, at) => { if (heights[at]) area.style.height = `${heights[at] + 2}px` })
}
const places = pl.noteList({ fill: (note) => filled(note), filled: (those) => growFields(those), empty: emptied, isBusy })
const tellCount = () => {
  const all = kept().length
  none.hidden = shownNow().length > 0
  none.firstElementChild.textContent = all ? 'No annotations with this code' : `No annotations ${pl.data.isLocked ? 'were made' : 'yet'}`
  bench.querySelector('[data-slot="note-count"]').textContent = String(all)
}
const order = () => {
  sorted = null
  places.reset(shownNow())
  tellCount()
  bench.dispatchEvent(new Event('bench:notes'))
}
const settle = (note) => {
  if (!note.removed && isShown(note)) places.put(note)
  else places.drop(note)
  show(note)
  tellCount()
}
let revealing = 0
const choose = (note, { scroll = true } = {}) => {
  notes.get(pl.notes.current)?.element.classList.remove('is-current')
  pl.notes.current = note?.id ?? null
  note?.element.classList.add('is-current')
  if (scroll && note) { // the waveform shows it at once; the list follows right after
    cancelAnimationFrame(revealing)
    revealing = requestAnimationFrame(() => setTimeout(() => { if (pl.notes.current === note.id) places.reveal(note) }))
  }
  pl.wave?.later()
}
const adopt = (data) => {
  const element = document.createElement('li')
  element.className = 'pl-note'
  element.id = `annotation-${data.id}`
  element.dataset.note = data.id
  const note = { ...data, element, block: null, isFilled: false, stored: data.version ? { ...data } : null }
  element.note = note
  notes.set(note.id, note)
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
  Object.assign(part(note, 'error'), { hidden: !sentence, textContent: sentence })
  if (sentence) pl.say(sentence)
}
const save = (note, wait = 0) => pl.save({
  key: `note:${note.id}`,
  build: () => next(note),
  done: ({ annotation }) => {
    note.stored = annotation
    note.meant = annotation.meant
    if (note.isFilled) { problem(note, ''); draw(note) }
    if (next(note)) save(note)
  },
  conflict: (stored) => {
    note.stored = stored
    if (!next(note)) return // what is there is what is here: an answer was lost
    const about = (one) => (one.removed ? 'removed' : `${pl.notes.name(one.code)}, ${span(one)}${one.comment ? `, “${one.comment}”` : ', no comment'}`)
    places.reveal(note)
    pl.ask(part(note, 'conflict'), {
      theirs: about(stored),
      ours: about(note),
      keep: () => save(note),
      take: () => { Object.assign(note, fields(stored)); settle(note) },
    })
  },
  refused: (sentence) => { places.reveal(note); problem(note, `Not saved. ${sentence}`) },
}, wait)

// Doing

const offerUndo = (sentence) => {
  undoLine.hidden = false
  undoLine.querySelector('[data-slot="undo-text"]').textContent = sentence
  clearTimeout(offerUndo.timer)
  offerUndo.timer = setTimeout(() => { undoLine.hidden = true }, 8000)
}
// A change is shown, saved and remembered, all at once.
const change = (note, values) => {
  Object.assign(note, values)
  settle(note)
  if (note.isFilled) growFields([note])
  save(note)
}
const changed = (note, before, said, after = fields(note)) => {
  const was = fields(before)
  pl.did({ back: () => { change(note, was); if (!note.removed) choose(note) }, forth: () => { change(note, after); if (!note.removed) choose(note) }, said })
  change(note, after)
  if (!pl.isReplaying()) offerUndo(`${said[0].toUpperCase()}${said.slice(1)} changed.`)
}
const mark = (slug, now = pl.now()) => {
  if (pl.data.isLocked) return
  const chosen = pl.wave.take()
  const before = notes.get(latest)
  const hit = bench.querySelector(`[data-code="${slug}"]`)?.classList
  hit?.add('is-hit')
  setTimeout(() => hit?.remove('is-hit'), 300)
  if (!chosen && before && !before.removed && before.code === slug && now > before.start + 1500 && now <= before.end) {
    changed(before, { ...before }, `length of ${pl.notes.name(slug)}`, { ...fields(before), end: Math.min(duration, now + LENGTH) })
    return pl.say(`Longer: ${span(before)}`)
  }
  const start = Math.round(chosen?.start ?? Math.max(0, Math.min(now - REACTION, duration - 1000)))
  const end = Math.round(chosen?.end ?? Math.min(duration, start + LENGTH))
  const note = made({ code: slug, start, end })
  latest = note.id
  pl.did({ back: () => change(note, { removed: true }), forth: () => { change(note, { removed: false }); choose(note) }, said: `${pl.notes.name(slug)} at ${pl.clock(start)}` })
  choose(note)
  offerUndo(`${pl.notes.name(slug)}, ${span(note)}.`)
  pl.say(`${pl.notes.name(slug)}, ${span(note)}`)
}
const made = (values) => {
  const note = adopt({ id: newId(), comment: '', version: 0, removed: false, ...values })
  if (isShown(note)) settle(note)
  else { filter.value = ''; order() }
  save(note)
  return note
}
const remove = (note) => {
  changed(note, { ...note }, `${pl.notes.name(note.code)} at ${pl.clock(note.start)}`, { ...fields(note), removed: true })
  if (note.id === latest) latest = null
  choose(null)
  offerUndo(`${pl.notes.name(note.code)} at ${pl.clock(note.start)} removed.`)
  pl.say('Removed. It can be undone.')
}
// In two where the sound is: the comment stays with the first part.
const split = (note = changeable(), now = pl.now()) => {
  if (!note) return
  if (now < note.start + SHORTEST || now > note.end - SHORTEST) return pl.hint('Go to a place inside the annotation, then split it.')
  const { end } = note
  change(note, { end: now })
  const rest = made({ code: note.code, start: now, end })
  pl.did({
    back: () => { change(rest, { removed: true }); change(note, { end }) },
    forth: () => { change(note, { end: now }); change(rest, { removed: false }) },
    said: `${pl.notes.name(note.code)} split at ${pl.clock(now)}`,
  })
  latest = rest.id
  choose(rest)
  offerUndo(`Split at ${pl.clock(now)}.`)
  pl.say(`Split: ${span(note)}, and ${span(rest)}`)
}
const playNote = (note) => { choose(note); pl.playRange(note.start, note.end) }
const changeable = (why = 'Choose an annotation first.') => { // what a key is about, or why there is nothing
  const note = notes.get(pl.notes.current) ?? notes.get(latest)
  if (note && !note.removed && !pl.data.isLocked) return note
  pl.hint(pl.data.isLocked ? 'This review was submitted. It can no longer be changed.' : why)
}
const move = (side) => {
  const note = changeable()
  if (!note) return
  const before = { ...note }
  pl.notes.stretch(note.id, side, pl.now())
  pl.notes.stretched(note.id, before)
  pl.say(span(note))
}
const step = (by) => {
  const all = shownNow()
  const here = all.findIndex((note) => note.id === pl.notes.current)
  const from = here >= 0 ? here + by : by > 0 ? all.findIndex((note) => note.start > pl.now()) : all.findLastIndex((note) => note.start < pl.now())
  if (all[from]) playNote(all[from])
  else pl.hint('No further annotation.')
}

let wasPlaying = false
Object.assign(pl.actions, {
  mark,
  recode: (slug) => { // the mark that was just made, said more exactly
    const note = notes.get(latest)
    if (note && !note.removed) changed(note, { ...note }, `code of ${pl.notes.name(note.code)}`, { ...fields(note), code: slug })
    if (note) pl.say(`${pl.notes.name(slug)}, ${span(note)}`)
  },
  split: () => split(),
  remove: () => { const note = changeable(); if (note) remove(note) },
  comment: () => {
    const note = changeable('Mark a moment first, then comment on it.')
    if (!note) return
    wasPlaying = pl.isPlaying()
    pl.pause()
    pl.open('annotations')
    choose(note, { scroll: false })
    places.reveal(note)
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
const readTime = (note, side, control) => {
  const ms = pl.parse(control.value)
  const other = side === 'start' ? note.end : note.start
  const wrong = ms === null ? 'Enter a time in minutes and seconds, such as 2:10.'
    : ms > duration + 999 ? 'That time is outside the recording.'
      : (side === 'start' ? other - ms : ms - other) < SHORTEST ? 'An annotation must end after it starts.' : ''
  control.setAttribute('aria-invalid', String(Boolean(wrong)))
  problem(note, wrong)
  if (wrong) return
  changed(note, { ...note }, `times of ${pl.notes.name(note.code)}`, { ...fields(note), [side]: Math.min(ms, duration) })
}

const noteOf = (event) => notes.get(event.target.closest('[data-note]')?.dataset.note)
list.addEventListener('click', (event) => {
  const note = noteOf(event)
  const act = event.target.closest('[data-act]')?.dataset.act
  if (!note) return
  if (!act) return choose(note, { scroll: false })
  event.preventDefault()
  if (act === 'play') playNote(note)
  if (act === 'remove') remove(note)
  if (act === 'split') { choose(note); split(note) }
  if (act === 'start-now' || act === 'end-now') { choose(note); move(act.slice(0, -4)) }
})
list.addEventListener('focusin', (event) => { if (noteOf(event) && !pl.data.isLocked) choose(noteOf(event), { scroll: false }) })
list.addEventListener('submit', (event) => event.preventDefault())

function listen(note) {
  if (pl.data.isLocked) return
  const { element } = note
  const comment = field(note, 'comment')
  const said = () => `comment on ${pl.notes.name(note.code)}`
  const put = (text) => { if (note.isFilled) field(note, 'comment').value = text; change(note, { comment: text }); if (!note.removed) choose(note) }
  let written
  comment.addEventListener('focus', () => { written = note.comment })
  comment.addEventListener('input', () => { note.comment = comment.value; growAll([comment]); save(note, 800) })
  comment.addEventListener('blur', () => { save(note); if (written !== note.comment) offerUndo(`C${said().slice(1)} changed.`) })
  pl.typed(comment, { said, put })
  field(note, 'code').addEventListener('change', (event) => {
    changed(note, { ...note }, `code of ${pl.notes.name(note.code)}`, { ...fields(note), code: event.target.value })
  })
  for (const side of ['start', 'end']) field(note, side).addEventListener('change', (event) => readTime(note, side, event.target))
}

// Which is being heard

let sounding = []
bench.addEventListener('bench:tick', () => {
  const now = pl.now()
  const those = pl.isPlaying() ? between(now, now) : []
  for (const note of sounding) if (!those.includes(note)) note.element.classList.remove('is-playing')
  for (const note of those) if (!sounding.includes(note)) note.element.classList.add('is-playing')
  sounding = those
})

// The filter stays in the address

filter.addEventListener('change', () => { history.replaceState(null, '', filter.value ? `#code=${filter.value}` : location.pathname + location.search); order() })
for (const data of pl.data.annotations) adopt(data)
const asked = location.hash.match(/^#code=([\w-]+)$/)?.[1]
if (codes.has(asked)) filter.value = asked
order()
if (!CSS.supports('field-sizing', 'content')) new ResizeObserver(() => growAll([...list.querySelectorAll('textarea')])).observe(list)
if (location.hash.startsWith('#annotation-')) choose(notes.get(location.hash.slice(12)) ?? null)
