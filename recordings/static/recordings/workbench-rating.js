// The form of the instrument and the overall words: saved as they are chosen and written.

const bench = document.getElementById('bench')
const { pl } = bench
const items = [...bench.querySelectorAll('[data-item]')]
const short = bench.querySelector('[data-slot="rated"]')
const codes = new Map(pl.data.codes.map((code) => [code.slug, code]))
const slot = (form, name) => form.querySelector(`[data-slot="${name}"]`)
const chosen = (form) => form.querySelector('[name="score"]:checked')
const wordFor = (value) => (value === '' ? 'not rated' : value === 'na' ? 'not applicable' : value)

const showAnchor = (form) => { slot(form, 'anchor').textContent = chosen(form)?.dataset.anchor ?? '' }
// What an item rests on: what was ticked by hand, and until it is rated those annotations whose code bears on it.
const byHand = new Map(items.map((form) => [form, new Map()]))
const isNew = (form) => form.elements.version.value === '0'
const bears = (form, note) => codes.get(note.code)?.item === form.dataset.item
const isTicked = (form, note) => byHand.get(form).get(note.id) ?? (isNew(form) && bears(form, note))
const ticked = (form) => pl.notes.list().filter((note) => isTicked(form, note)).map((note) => note.id)
const keepTicks = (form, ids) => { byHand.set(form, new Map(pl.notes.list().map((note) => [note.id, ids.includes(note.id)]))) }
const countEvidence = (form) => {
  const count = ticked(form).length
  slot(form, 'evidence-count').textContent = `${count} annotation${count === 1 ? '' : 's'}`
}
const countRated = () => {
  short.textContent = `${items.filter(chosen).length}/${items.length}`
}
const problem = (form, sentence) => {
  slot(form, 'error').hidden = !sentence
  slot(form, 'error').textContent = sentence
  if (sentence) pl.say(sentence)
}

const saveScore = (form) => pl.save({
  key: `score:${form.dataset.item}`,
  build: () => {
    const values = [['score', chosen(form)?.value ?? ''], ['version', form.elements.version.value], ...ticked(form).map((id) => ['evidence', id])]
    return { url: form.action, fields: values }
  },
  done: ({ score, progress }) => {
    if (isNew(form)) keepTicks(form, score.evidence)
    form.elements.version.value = score.version
    problem(form, '')
    pl.progress(progress.sentence)
  },
  conflict: (stored) => {
    const about = (value, count) => `${wordFor(value)}, resting on ${count} annotation${count === 1 ? '' : 's'}`
    pl.ask(slot(form, 'conflict'), {
      theirs: about(stored.score, stored.evidence.length),
      ours: about(chosen(form)?.value ?? '', ticked(form).length),
      keep: () => { form.elements.version.value = stored.version; saveScore(form) },
      take: () => {
        form.elements.version.value = stored.version
        for (const radio of form.querySelectorAll('[name="score"]')) radio.checked = radio.value === stored.score
        keepTicks(form, stored.evidence)
        listEvidence(form)
        showAnchor(form)
        countEvidence(form)
        countRated()
      },
    })
  },
  refused: (sentence) => problem(form, `Not saved. ${sentence}`),
})

// The moments to tick follow the annotations as they come and go; the list is made when it is looked at.
const listEvidence = (form) => {
  countEvidence(form)
  const place = slot(form, 'evidence')
  const isOpen = place.closest('details').open
  const lines = isOpen ? pl.notes.list().map((note) => {
    const line = document.createElement('label')
    line.className = 'pl-evidence__one'
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', name: 'evidence', value: note.id, checked: isTicked(form, note) })
    const text = document.createElement('span')
    text.append(note.element.querySelector('.pl-code-shape').cloneNode(true), `${pl.notes.name(note.code)}, ${pl.clock(note.start)}${!box.checked && bears(form, note) ? ' (suggested)' : ''}`)
    line.append(box, text)
    return line
  }) : []
  place.replaceChildren(...lines)
  if (isOpen && !lines.length) place.textContent = 'Annotations that you make appear here, to tick.'
}

let asked = 0
let known = null
const refresh = () => {
  asked = 0
  const now = pl.notes.list().map((note) => `${note.id}${note.code}${note.start}`).join()
  if (now === known) return
  known = now
  for (const form of items) if (document.activeElement?.name !== 'evidence' || !form.contains(document.activeElement)) listEvidence(form)
}
for (const form of items) {
  if (!isNew(form)) keepTicks(form, [...form.querySelectorAll('[name="evidence"]:checked')].map((box) => box.value))
  slot(form, 'evidence').closest('details').addEventListener('toggle', () => listEvidence(form))
}
bench.addEventListener('bench:notes', () => { asked ||= setTimeout(refresh, 200) })

for (const form of items) {
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('change', (event) => {
    if (event.target.name === 'score') {
      showAnchor(form)
      countRated()
      pl.say(event.target.dataset.anchor)
    } else {
      byHand.get(form).set(event.target.value, event.target.checked)
      countEvidence(form)
    }
    saveScore(form)
  })
  showAnchor(form)
}

for (const form of bench.querySelectorAll('[data-words]')) {
  const area = form.querySelector('textarea')
  if (!area) continue
  const save = (wait = 0) => pl.save({
    key: `words:${form.dataset.words}`,
    build: () => {
      sent = area.value.trim()
      return sent === stored ? null : { url: form.action, fields: { text: sent, seen: form.elements.seen.value } }
    },
    done: ({ seen }) => { form.elements.seen.value = seen; stored = sent; problem(form, '') },
    conflict: (theirs) => pl.ask(slot(form, 'conflict'), {
      theirs: theirs.text ? `“${theirs.text}”` : 'empty',
      ours: area.value ? `“${area.value}”` : 'empty',
      keep: () => { form.elements.seen.value = theirs.seen; stored = theirs.text; save() },
      take: () => { form.elements.seen.value = theirs.seen; stored = theirs.text; area.value = theirs.text },
    }),
    refused: (sentence) => problem(form, `Not saved. ${sentence}`),
  }, wait)
  let stored = area.value.trim()
  let sent = stored
  area.addEventListener('input', () => save(800))
  area.addEventListener('blur', () => save())
  form.addEventListener('submit', (event) => event.preventDefault())
}
refresh()
