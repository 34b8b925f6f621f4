// Where the annotations stand in their list. There may be fifteen hundred: some twenty make a block; a block that is far away is an
// empty box of its own height, whose heading stays for whoever moves by headings. The fields of an annotation are made when it
// comes near what is looked at, a few in each frame, so that neither marking nor scrolling ever waits for them.

const bench = document.getElementById('bench')
const { pl } = bench
const holder = document.getElementById('bench-notes')
const pane = document.getElementById('bench-annotations')
const BLOCK = 20
const USUAL = 88 // pixels of an annotation, as in the style sheet
const BUDGET = 6 // milliseconds of a frame
const isWide = matchMedia('(min-width: 60em) and (min-height: 40em)') // the pane scrolls; elsewhere the page does

const compare = (a, b) => a.start - b.start || a.end - b.end

// `fill(note)` makes the fields, `filled(notes)` is told of a frame's worth of them, `empty(note, height)` takes them away again,
// `isBusy(note)` says that somebody is at it just now.
pl.noteList = ({ fill, filled, empty, isBusy }) => {
  let blocks = []
  const wanted = new Set()
  let frame = 0

  const work = () => {
    const end = performance.now() + BUDGET
    const done = []
    for (const note of wanted) {
      wanted.delete(note)
      if (note.block?.isThere && !note.isFilled) { fill(note); done.push(note) }
      if (performance.now() > end) break
    }
    filled(done)
    frame = wanted.size ? requestAnimationFrame(work) : 0
  }
  let notes = null
  let near = null
  const watch = () => {
    notes?.disconnect()
    near?.disconnect()
    const root = isWide.matches ? pane : null
    notes = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        const { note } = target
        if (isIntersecting) { if (!note.isFilled) wanted.add(note); continue }
        wanted.delete(note)
        if (note.block?.isThere && boundingClientRect.height) empty(note, boundingClientRect.height)
      }
      if (wanted.size) frame ||= requestAnimationFrame(work)
    }, { root, rootMargin: '400px 0px' })
    near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        if (isIntersecting) mount(target.block)
        else if (boundingClientRect.height) unmount(target.block, boundingClientRect.height)
      }
    }, { root, rootMargin: '1200px 0px' })
    for (const block of blocks) {
      near.observe(block.element)
      if (block.isThere) for (const note of block.notes) notes.observe(note.element)
    }
  }

  const name = (block) => {
    block.heading.hidden = blocks.length < 2
    block.heading.textContent = `${pl.clock(block.notes[0].start)} to ${pl.clock(block.notes.at(-1).end)}`
  }
  const reserve = (block, height) => { block.height = Math.max(0, height); block.list.style.height = block.isThere ? '' : `${block.height}px` }
  const make = (inside) => {
    const element = document.createElement('section')
    const heading = Object.assign(document.createElement('h3'), { className: 'nhsuk-u-visually-hidden' })
    const list = Object.assign(document.createElement('ol'), { className: 'pl-notes' })
    element.className = 'pl-block'
    element.append(heading, list)
    const block = { element, heading, list, notes: inside, isThere: false, height: 0 }
    element.block = block
    for (const note of inside) note.block = block
    reserve(block, inside.length * USUAL)
    return block
  }
  const mount = (block) => {
    if (block.isThere) return
    block.isThere = true
    reserve(block, 0)
    block.list.replaceChildren(...block.notes.map((note) => note.element))
    for (const note of block.notes) notes.observe(note.element)
  }
  const unmount = (block, height) => {
    if (!block.isThere || block.notes.some(isBusy)) return
    block.isThere = false
    reserve(block, height)
    block.list.replaceChildren()
    for (const note of block.notes) { notes.unobserve(note.element); wanted.delete(note); empty(note, 0) }
  }

  const drop = (note) => {
    const { block } = note
    if (!block) return
    note.block = null
    block.notes.splice(block.notes.indexOf(note), 1)
    note.element.remove()
    notes.unobserve(note.element)
    if (block.notes.length) { reserve(block, block.height - USUAL); return name(block) }
    near.unobserve(block.element)
    block.element.remove()
    blocks.splice(blocks.indexOf(block), 1)
  }
  const isInPlace = ({ block }, note) => {
    const [at, number] = [block.notes.indexOf(note), blocks.indexOf(block)]
    const before = block.notes[at - 1] ?? blocks[number - 1]?.notes.at(-1)
    const after = block.notes[at + 1] ?? blocks[number + 1]?.notes[0]
    return (!before || compare(before, note) <= 0) && (!after || compare(note, after) <= 0)
  }
  const place = (list, note, order) => {
    let [low, high] = [0, list.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (order(list[middle], note) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const put = (note) => {
    if (note.block && isInPlace(note, note)) return name(note.block)
    drop(note)
    const block = blocks[Math.max(0, place(blocks, note, (one, other) => compare(one.notes[0], other)) - 1)]
    if (!block) return reset([note])
    const at = place(block.notes, note, compare)
    block.notes.splice(at, 0, note)
    note.block = block
    if (block.isThere) { block.list.insertBefore(note.element, block.list.children[at] ?? null); notes.observe(note.element) } else reserve(block, block.height + USUAL)
    if (block.notes.length > 2 * BLOCK) split(block)
    name(block)
  }
  const split = (block) => {
    const rest = make(block.notes.splice(BLOCK))
    if (!block.isThere) reserve(block, block.notes.length * USUAL)
    block.element.after(rest.element)
    blocks.splice(blocks.indexOf(block) + 1, 0, rest)
    if (block.isThere) mount(rest)
    near.observe(rest.element)
    name(rest)
  }
  const reset = (list) => {
    for (const block of blocks) {
      near.unobserve(block.element)
      for (const note of block.notes) { notes.unobserve(note.element); note.block = null }
    }
    wanted.clear()
    blocks = []
    for (let at = 0; at < list.length; at += BLOCK) blocks.push(make(list.slice(at, at + BLOCK)))
    for (const block of blocks) { name(block); near.observe(block.element) }
    holder.replaceChildren(...blocks.map((block) => block.element))
    if (list.length <= 2 * BLOCK) for (const block of blocks) mount(block)
  }
  // In the page, with its fields, where it can be seen.
  const reveal = (note) => {
    if (!note.block) return
    mount(note.block)
    fill(note)
    filled([note])
    note.element.scrollIntoView({ block: 'nearest' })
  }
  isWide.addEventListener('change', watch)
  watch()
  return { put, drop, reset, reveal }
}
