import { html, type TemplateResult } from 'lit';
import { AXES, AXIS, type Axis } from './axis.ts';

/** What runs along x, to be chosen. */
export const axisChoice = (axis: Axis, choose: (axis: Axis) => void): TemplateResult =>
  html`<label
    >x
    <select aria-label="x axis" @change=${(event: Event) => choose((event.target as HTMLSelectElement).value as Axis)}>
      ${AXES.map((one) => html`<option value=${one} .selected=${one === axis}>${AXIS[one].label}</option>`)}
    </select></label
  >`;
