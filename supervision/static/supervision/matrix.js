// The matrix by keyboard, and the panel beside it. Without this file every cell is a plain link to a page with the same words.

const table = document.querySelector('[data-matrix]')
const panel = document.getElementById('panel')
const narrow = window.matchMedia('(max-width: 48em)')

const rows = () => [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll('[data-cell]')])
const cells = () => rows().flat()

// One cell at a time takes the Tab key; arrows move among them. On a phone the cards are a list, so every link takes it.
const asGrid = () => {
  const isGrid = !narrow.matches
  table.setAttribute('role', isGrid ? 'grid' : 'table')
  for (const cell of table.querySelectorAll('td')) cell.setAttribute('role', isGrid ? 'gridcell' : 'cell')
  const all = cells()
  const current = all.find((cell) => cell === document.activeElement) ?? all.find((cell) => cell.tabIndex === 0 && cell.hasAttribute('tabindex')) ?? all[0]
  for (const cell of all) {
    if (isGrid) cell.tabIndex = cell === current ? 0 : -1
    else cell.removeAttribute('tabindex')
  }
}

const goTo = (cell) => {
  for (const other of cells()) other.tabIndex = other === cell ? 0 : -1
  cell.focus()
  cell.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

const moves = {
  ArrowLeft: (row, column) => [row, column - 1],
  ArrowRight: (row, column) => [row, column + 1],
  ArrowUp: (row, column) => [row - 1, column],
  ArrowDown: (row, column) => [row + 1, column],
  Home: (row, column, event) => [event.ctrlKey ? 0 : row, 0],
  End: (row, column, event, grid) => [event.ctrlKey ? grid.length - 1 : row, grid[0].length - 1],
  PageUp: (row, column) => [Math.max(0, row - 5), column],
  PageDown: (row, column, event, grid) => [Math.min(grid.length - 1, row + 5), column],
}

const onKey = (event) => {
  const cell = event.target.closest('[data-cell]')
  const move = moves[event.key]
  if (!cell || !move || narrow.matches || event.altKey || event.metaKey) return
  const grid = rows()
  const row = grid.findIndex((line) => line.includes(cell))
  const [toRow, toColumn] = move(row, grid[row].indexOf(cell), event, grid)
  const target = grid[toRow]?.[toColumn]
  event.preventDefault()
  if (target) goTo(target)
}

let opener = null

const mark = (cell) => {
  for (const other of cells()) other.removeAttribute('aria-expanded')
  cell?.setAttribute('aria-expanded', 'true')
}

const close = () => {
  panel.hidden = true
  panel.replaceChildren()
  mark(null)
  opener?.focus()
  opener = null
}

if (table && panel) {
  asGrid()
  narrow.addEventListener('change', asGrid)
  table.addEventListener('keydown', onKey)
  table.addEventListener('focusin', (event) => {
    const cell = event.target.closest('[data-cell]')
    if (cell && !narrow.matches) for (const other of cells()) other.tabIndex = other === cell ? 0 : -1
  })
  document.body.addEventListener('htmx:beforeRequest', (event) => {
    if (event.detail.elt.matches('[data-cell]')) opener = event.detail.elt
  })
  document.body.addEventListener('htmx:afterSwap', (event) => {
    if (event.detail.target !== panel) return
    panel.hidden = false
    panel.scrollTop = 0
    mark(opener)
    panel.querySelector('[data-panel-heading]')?.focus({ preventScroll: narrow.matches })
  })
  panel.addEventListener('click', (event) => {
    if (event.target.closest('[data-panel-close]')) close()
  })
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !panel.hidden) close()
  })
}
