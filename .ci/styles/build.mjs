// Compiles nhsuk.scss and replaces its marker colours by Plumbline's own custom properties.
// Stops with an error when a colour is left that no theme could change.
import { readFileSync, writeFileSync } from 'node:fs'
import postcss from 'postcss'
import { compile } from 'sass'

const { version } = JSON.parse(readFileSync('node_modules/nhsuk-frontend/package.json', 'utf8'))
const target = process.argv[2] ?? `../../cms/static/cms/nhsuk/nhsuk-${version}.css`

const tokens = {
  // palette
  f1e001: 'brand', f1e002: 'surface', f1e003: 'text', f1e004: 'done', f1e005: 'visited', f1e006: 'link-hover',
  f1e007: 'overdue', f1e008: 'mark', f1e009: 'brand-strong', f1e00a: 'due-wash', f1e00b: 'due', f1e00c: 'due',
  f1e00d: 'brand', f1e00e: 'visited', f1e00f: 'text-muted', f1e010: 'border-strong', f1e012: 'border-strong',
  f1e013: 'border', f1e014: 'surface-2',
  // applied
  f1e020: 'brand', f1e021: 'text', f1e023: 'on-brand', f1e024: 'page', f1e025: 'page', f1e026: 'text-muted',
  f1e027: 'focus', f1e028: 'on-focus', f1e029: 'error', f1e02a: 'done', f1e02b: 'border', f1e02c: 'border-strong',
  f1e02d: 'input-border', f1e02e: 'hover', f1e02f: 'hover', f1e030: 'input', f1e031: 'text',
  f1e032: 'link', f1e034: 'visited', f1e035: 'link-hover', f1e036: 'link-hover',
  f1e037: 'button', f1e038: 'on-button', f1e039: 'button-hover', f1e03a: 'button-active', f1e03b: 'button-active',
  f1e03c: 'button', f1e03d: 'link', f1e03e: 'surface', f1e03f: 'brand-wash', f1e040: 'brand-wash', f1e041: 'button',
  f1e042: 'danger', f1e043: 'danger-hover', f1e045: 'danger-hover', f1e046: 'danger-hover',
}

// nhsuk's two hover colours that are computed from a marker.
const computed = { '#b9ab0c': 'error', '#c1b322': 'done', '#797015': 'done' }

// Parts that come along as dependencies of others and that no page uses.
const unused = /--reverse|--brand|--login|nhsuk-(card|scroll|action-link|expander|hero|icon-|link-nowrap|table-responsive|u-static)|(data|aria)-sort|search-cancel|link--text-colour|placeholder-shown/

const dropUnused = {
  postcssPlugin: 'drop-unused',
  Once(root) {
    root.walkAtRules('media', (rule) => {
      if (rule.params.includes('\\0')) rule.remove()
    })
    root.walkRules((rule) => {
      const kept = rule.selectors.filter((one) => !unused.test(one))
      if (!kept.length) rule.remove()
      else if (kept.length < rule.selectors.length) rule.selectors = kept
    })
    let empty = true
    while (empty) {
      empty = false
      root.walkAtRules((rule) => {
        if (rule.nodes && !rule.nodes.length) {
          rule.remove()
          empty = true
        }
      })
    }
  },
}

const compiled = compile('nhsuk.scss', { style: 'compressed', loadPaths: ['node_modules'], quietDeps: true })
const { css: kept } = await postcss([dropUnused]).process(compiled.css.replace(/^\uFEFF/, ''), { from: undefined })

let css = kept.replace(/:root\{--nhsuk-frontend-version[^}]*\}/, '')
for (const [marker, token] of Object.entries(tokens)) {
  css = css.replaceAll(`#${marker}`, `var(--pl-${token})`)
}
for (const [colour, token] of Object.entries(computed)) {
  css = css.replaceAll(colour, `var(--pl-${token})`)
}
css = css.replaceAll('rgba(241,224,47,.5)', 'var(--pl-surface-2)')

const allowed = new Set(['#000', '#000000', '#fff', '#ffffff', 'rgba(0,0,0,0)'])
const left = [...new Set(css.match(/#[0-9a-f]{3,8}\b|rgba?\([^)]*\)|url\([^)]*\)/gi) ?? [])]
  .filter((value) => !allowed.has(value.toLowerCase()))
if (left.length) {
  console.error('Left over in the compiled stylesheet:', left)
  process.exit(1)
}

writeFileSync(target, `/* nhsuk-frontend ${version}, MIT licence (see LICENCE.md beside this file). Compiled by .ci/styles. */\n${css}\n`)
console.log(`${target}: ${Math.round(css.length / 1024)} kB`)
