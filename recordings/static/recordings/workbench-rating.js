// The form of the instrument: saved as it is chosen. The overall words are for workbench-words.js.

const bench = document.getElementById('bench')
const { pl } = bench
const items = [...bench.querySelectorAll('[data-item]')]
const short = bench.querySelector('[data-slot="rated"]')
const codes = new Map(pl.data.codes.map((code) => [code.slug, code]))
const slot = (form, name) => form.querySelector(`[data-slot="${name}"]`)
const chosen = (form) => form.querySelector('[name="score"]:checked')
const wordings = { '': 'not rated', na: 'not applicable', counted: 'the count of the annotations' }
const wordFor = (value, figure) => (value === 'own' ? String(figure) : wordings[value] ?? value)

const showAnchor = (form) => { if (slot(form, 'anchor')) slot(form, 'anchor').textContent = chosen(form)?.dataset.anchor ?? '' }

// Counts and durations: filled from the annotations as they stand, unless a figure of one's own takes their place.
const isFigure = (form) => 'scale' in form.dataset
const own = (form) => form.elements.figure?.value.trim() ?? ''
const isRated = (form) => Boolean(chosen(form)) && !(chosen(form).value === 'own' && !own(form))
const covered = (stretches) => {
  let all = 0
  let until = 0
  for (const { start, end } of stretches) { // in the order of the session
    all += Math.max(0, end - Math.max(start, until))
    until = Math.max(until, end)
  }
  return Math.floor((all + 500) / 1000)
}
const recount = (form) => {
  if (!slot(form, 'counted')) return
  const those = new Set(form.dataset.codes.split(' '))
  const found = pl.notes.list().filter((note) => those.has(note.code))
  slot(form, 'counted').textContent = Math.min(form.dataset.scale === 'count' ? found.length : covered(found), Number(form.dataset.most))
}
// What an item rests on: what was ticked by hand, and until it is rated those annotations whose code bears on it.
const byHand = new Map(items.map((form) => [form, new Map()]))
const isNew = (form) => form.elements.version.value === '0'
const bears = (form, note) => codes.get(note.code)?.item === form.dataset.item
const isTicked = (form, note) => byHand.get(form).get(note.id) ?? (isNew(form) && bears(form, note))
const ticked = (form) => (isNew(form) || byHand.get(form).size ? pl.notes.list().filter((note) => isTicked(form, note)).map((note) => note.id) : [])
const keepTicks = (form, ids) => { byHand.set(form, new Map(ids.map((id) => [id, true]))) } // a rating that is saved takes up nothing by itself
// How many bear on each item, in one go for all of them.
let borne = null
const bearing = () => {
  if (borne) return borne
  borne = new Map()
  for (const { code } of pl.notes.list()) {
    const item = codes.get(code)?.item
    borne.set(item, (borne.get(item) ?? 0) + 1)
  }
  return borne
}
const countEvidence = (form) => {
  if (!slot(form, 'evidence')) return
  const isUntouched = isNew(form) && !byHand.get(form).size
  const count = isUntouched ? bearing().get(form.dataset.item) ?? 0 : ticked(form).length
  slot(form, 'evidence-count').textContent = `${count} annotation${count === 1 ? '' : 's'}`
}
const countRated = () => {
  short.textContent = `${items.filter(isRated).length}/${items.length}`
}
const problem = (form, sentence) => {
  slot(form, 'error').hidden = !sentence
  slot(form, 'error').textContent = sentence
  if (sentence) pl.say(sentence)
}

const saveScore = (form) => pl.save({
  key: `score:${form.dataset.item}`,
  after: 'note:', // it rests on annotations that the server has
  build: () => {
    const evidence = slot(form, 'evidence') ? ticked(form).map((id) => ['evidence', id]) : []
    const values = [['score', chosen(form)?.value ?? ''], ['figure', own(form)], ['version', form.elements.version.value], ...evidence]
    if (chosen(form)?.value === 'own' && !own(form)) return null
    return { url: form.action, fields: values }
  },
  done: ({ score, progress }) => {
    if (isNew(form)) keepTicks(form, score.evidence)
    form.elements.version.value = score.version
    problem(form, '')
    pl.progress(progress.sentence)
  },
  conflict: (stored) => {
    if (stored.score === (chosen(form)?.value ?? '') && String(stored.evidence.toSorted()) === String(ticked(form).toSorted()) && (!own(form) || String(stored.figure) === own(form))) {
      form.elements.version.value = stored.version
      return // what is there is what is here
    }
    const about = (value, count, figure) => `${wordFor(value, figure)}, resting on ${count} annotation${count === 1 ? '' : 's'}`
    pl.ask(slot(form, 'conflict'), {
      theirs: about(stored.score, stored.evidence.length, stored.figure),
      ours: about(chosen(form)?.value ?? '', ticked(form).length, own(form)),
      keep: () => { form.elements.version.value = stored.version; saveScore(form) },
      take: () => {
        form.elements.version.value = stored.version
        for (const radio of form.querySelectorAll('[name="score"]')) radio.checked = radio.value === stored.score
        if (isFigure(form)) form.elements.figure.value = stored.score === 'own' ? stored.figure : ''
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
  if (!place) return
  const isOpen = place.closest('details').open
  const lines = isOpen ? pl.notes.list().map((note) => {
    const line = document.createElement('label')
    line.className = 'pl-evidence__one'
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', name: 'evidence', value: note.id, checked: isTicked(form, note) })
    const text = document.createElement('span')
    text.append(pl.notes.shape(note.code), `${pl.notes.name(note.code)}, ${pl.clock(note.start)}${!box.checked && bears(form, note) ? ' (suggested)' : ''}`)
    line.append(box, text)
    return line
  }) : []
  place.replaceChildren(...lines)
  if (isOpen && !lines.length) place.textContent = 'Annotations that you make appear here, to tick.'
}

const nameOf = (form) => form.querySelector('.pl-item__name').textContent.trim()
const tick = (form, id, isOn) => {
  byHand.get(form).set(id, isOn)
  pl.open('rating')
  listEvidence(form)
  saveScore(form)
}

let asked = 0
const refresh = () => {
  for (const form of items) recount(form)
  for (const form of items) if (document.activeElement?.name !== 'evidence' || !form.contains(document.activeElement)) listEvidence(form)
}
for (const form of items) {
  if (!isNew(form)) keepTicks(form, [...form.querySelectorAll('[name="evidence"]:checked')].map((box) => box.value))
  slot(form, 'evidence')?.closest('details').addEventListener('toggle', () => listEvidence(form))
}
bench.addEventListener('bench:notes', () => { borne = null; clearTimeout(asked); asked = setTimeout(refresh, 250) })

for (const form of items) {
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('change', (event) => {
    if (event.target.name === 'score') {
      showAnchor(form)
      countRated()
      if (isFigure(form)) pl.say(event.target.value === 'counted' ? `From your annotations: ${slot(form, 'counted').textContent}` : '')
      else pl.say(event.target.dataset.anchor)
      if (event.target.value === 'own' && !own(form)) return form.elements.figure.focus()
    } else if (event.target.name === 'figure') {
      countRated()
    } else {
      const { value, checked } = event.target
      pl.did({ back: () => tick(form, value, !checked), forth: () => tick(form, value, checked), said: `what ${nameOf(form)} rests on` })
      byHand.get(form).set(value, checked)
      countEvidence(form)
    }
    saveScore(form)
  })
  form.elements.figure?.addEventListener('input', () => {
    form.querySelector('[name="score"][value="own"]').checked = true
    countRated()
  })
  showAnchor(form)
}

refresh()
