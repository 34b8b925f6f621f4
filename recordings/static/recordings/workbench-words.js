// The overall words of a review: saved as they are written, undone and done again a pause of the typing at a time.

const bench = document.getElementById('bench')
const { pl } = bench

for (const form of bench.querySelectorAll('[data-words]')) {
  const area = form.querySelector('textarea')
  if (!area) continue
  const slot = (name) => form.querySelector(`[data-slot="${name}"]`)
  const problem = (sentence) => {
    slot('error').hidden = !sentence
    slot('error').textContent = sentence
    if (sentence) pl.say(sentence)
  }
  let stored = area.value.trim()
  const take = ({ text, seen }) => {
    stored = text
    form.elements.seen.value = seen
  }
  const save = (wait = 0) => pl.save({
    key: `words:${form.dataset.words}`,
    build: () => {
      const text = area.value.trim()
      return text === stored ? null : { url: form.action, fields: { text, seen: form.elements.seen.value } }
    },
    done: ({ seen }, { fields }) => { take({ text: fields.text, seen }); problem('') },
    conflict: (theirs) => pl.ask(slot('conflict'), {
      theirs: theirs.text ? `“${theirs.text}”` : 'empty',
      ours: area.value ? `“${area.value}”` : 'empty',
      keep: () => { take(theirs); save() },
      take: () => { take(theirs); area.value = theirs.text },
    }),
    refused: (sentence) => problem(`Not saved. ${sentence}`),
  }, wait)
  pl.typed(area, {
    said: () => form.querySelector('label').textContent.trim(),
    put: (text) => { area.value = text; pl.open('rating'); save() },
  })
  area.addEventListener('input', () => save(800))
  area.addEventListener('blur', () => save())
  form.addEventListener('submit', (event) => event.preventDefault())
}
