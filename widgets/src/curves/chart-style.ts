import { css } from 'lit';

export const style = css`
  section {
    position: relative;
    display: flex;
    flex-direction: column;
    height: 100%; /* as high as its row: legends of different heights leave the plots level */
    border: 1px solid var(--medr1-border);
    padding: 2px 4px 4px;
  }
  header {
    display: flex;
    gap: 4px;
    align-items: center;
  }
  h4 {
    overflow: hidden;
    margin: 0;
    padding-left: 4px;
    font-size: inherit;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-weight: 600;
    cursor: help;
  }
  .tools {
    display: flex;
    gap: 4px;
  }
  .tools > button {
    display: inline-flex;
    align-items: center;
    min-height: 20px;
    padding: 0 4px;
    font-size: 11px;
  }
  .heat {
    flex-shrink: 9; /* sooner than the title */
    min-width: 7ch;
    max-width: 14ch;
    min-height: 20px;
    padding: 0 2px;
  }
  .tools,
  .size {
    opacity: 0;
  }
  section:hover .tools,
  section:focus-within .tools,
  .tools:has([aria-pressed='true'], [open]),
  section:hover .size,
  .size:focus-visible {
    opacity: 1;
  }
  header[draggable='true'] {
    cursor: grab;
  }
  .size {
    position: absolute;
    right: 0;
    bottom: 0;
    min-height: 16px;
    padding: 0 2px;
    font-size: 10px;
    line-height: 14px;
    cursor: nwse-resize;
    touch-action: none;
  }
  :host([over]) section {
    outline: 2px solid var(--medr1-accent);
    outline-offset: -2px;
  }
  header button[aria-pressed='true'] {
    border-color: transparent;
    box-shadow: none;
    color: var(--medr1-accent);
  }
  .spring {
    flex: 1;
  }
  .legend {
    contain: layout paint style; /* values that change lay nothing else out */
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    align-content: start;
    flex: 1;
    min-height: calc(2 * 1.4em);
    padding: 0 4px;
  }
  .legend.runs {
    flex-direction: column;
    flex-wrap: nowrap;
  }
  .legend.runs .entry {
    width: 100%;
  }
  .legend.runs b {
    margin-left: auto;
  }
  .legend.keys {
    flex-direction: column;
    flex-wrap: nowrap;
  }
  .legend.keys > div {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
  }
  .legend table {
    width: 100%;
    border-collapse: collapse;
  }
  .legend th {
    padding: 0 0 0 8px;
    text-align: right;
    font-weight: 400;
  }
  .legend th[scope='row'] {
    width: 100%;
    min-width: 10ch;
    max-width: 0; /* takes what the values leave */
    padding: 0;
    text-align: left;
  }
  .legend th[scope='col'] i {
    display: block;
    margin-left: auto;
  }
  .legend th[scope='col'] span {
    display: inline-block;
    width: max-content;
    min-width: min-content; /* no word is broken */
    max-width: 8ch;
    vertical-align: bottom;
  }
  .legend td.number {
    padding: 0 0 0 8px;
    font-weight: 600;
  }
  .entry {
    display: inline-flex; /* its name is cut by itself: a clip of its own for each of a hundred entries is what a moving cursor would pay for */
    gap: 4px;
    align-items: center;
    min-width: 0;
    max-width: 100%;
  }
  .entry b {
    flex: none;
    min-width: 7ch; /* of the widest value, so that a moving cursor moves no line */
    font-weight: 600;
  }
  i {
    forced-color-adjust: none; /* it shows the colour of a line */
    display: inline-block;
    flex: none;
    width: 16px;
    height: 0;
    vertical-align: middle;
    border-top: 2px solid;
  }
  .area {
    contain: layout style;
    position: relative;
    touch-action: pan-y;
    cursor: crosshair;
    overflow: hidden;
  }
  .area:has(.glyph:focus-visible) {
    overflow: visible;
  }
  canvas {
    position: absolute;
    width: 100%;
    height: 100%;
    pointer-events: none;
  }
  .none {
    position: absolute;
    inset: 40% 0 auto;
    margin: 0;
    text-align: center;
  }
  .partly {
    background: color-mix(in oklab, var(--medr1-surface) 80%, transparent);
    position: absolute;
    top: 6px;
    right: 8px;
    margin: 0;
  }
  .line {
    position: absolute;
    top: 6px;
    bottom: 22px;
    width: 0;
    border-left: 1px solid var(--medr1-text-2);
    pointer-events: none;
  }
  .line.cursor {
    left: 0;
    will-change: transform; /* the cursor moves in every chart at once: nothing is painted or sorted into layers anew */
  }
  .line.step {
    border-left: 2px solid var(--medr1-accent);
    opacity: 0.6;
  }
  .line.mark {
    border-left-style: dashed;
    opacity: 0.7;
  }
  .glyph {
    position: absolute;
    bottom: 14px;
    min-width: 20px;
    min-height: 20px;
    padding: 0;
    transform: translateX(-50%);
    font-size: 11px;
    line-height: 20px;
  }
  .glyph:focus-visible::after {
    position: absolute;
    top: 100%;
    left: 50%;
    z-index: 10;
    width: max-content;
    max-width: 240px;
    padding: 2px 6px;
    transform: translateX(-50%);
    border: 1px solid var(--medr1-border);
    background: var(--medr1-surface);
    color: var(--medr1-text);
    content: attr(aria-label);
    line-height: 1.4;
    text-align: left;
    white-space: pre-line;
  }
  .glyph.alert {
    color: var(--medr1-warn-text);
  }
  .glyph.rewards {
    top: 0;
    bottom: auto;
  }
  .brush {
    position: absolute;
    top: 6px;
    bottom: 22px;
    background: var(--medr1-accent);
    opacity: 0.15;
    pointer-events: none;
  }
  .tooltip {
    contain: layout paint style;
    position: fixed;
    inset: 0 auto auto 0; /* moved by transform, which lays nothing out */
    will-change: transform;
    margin: 0;
    padding: 0;
    color: inherit;
    font: inherit;
    font-size: var(--medr1-size-small);
    border: 1px solid var(--medr1-border);
    border-collapse: collapse;
    background: var(--medr1-surface);
    pointer-events: none;
    white-space: nowrap;
  }
  .tooltip th {
    text-align: left;
    font-weight: 600;
  }
  .tooltip th.number {
    text-align: right;
    font-weight: 400;
  }
  .tooltip .label {
    max-width: 240px;
  }
  .tooltip td,
  .tooltip th {
    padding: 1px 6px;
  }
`;
