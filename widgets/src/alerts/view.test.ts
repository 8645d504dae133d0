// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { ALERTS } from '../../testing/fake-alerts.ts';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { HostCommand } from '../element.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { AlertsView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(
  options: FakeOptions = {},
  state: 'running' | 'finished' = 'running',
  prepare: (connector: FakeConnector) => void = () => {},
) {
  const connector = new FakeConnector({
    runs: [{ id: 'r', name: 'Demo', steps: 143, state }],
    alerts: structuredClone(ALERTS),
    ...options,
  });
  prepare(connector);
  workbench = new Workbench(connector);
  await workbench.start();
  workbench.selection.move({ runs: ['r'] });
  const element = Object.assign(document.createElement('medr1-alerts') as AlertsView, { workbench });
  const commands: HostCommand[] = [];
  element.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<HostCommand>).detail));
  document.body.append(element);
  await settled();
  const root = element.shadowRoot!;
  const alert = (rule: string) => root.querySelector<HTMLElement>(`[data-testid=alert][data-rule=${rule}]`)!;
  const press = async (within: ParentNode, selector: string) => {
    within.querySelector<HTMLElement>(selector)!.click();
    await settled();
  };
  return { connector, root, alert, press, commands };
}

/** The forms of the user's own rules and of the webhook, opened. */
async function ownRules(prepare: (connector: FakeConnector) => void = () => {}) {
  const shown = await view({}, 'running', prepare);
  const rules = shown.root.querySelector('medr1-alert-rules')!.shadowRoot!;
  rules.querySelector('details')!.open = true;
  await settled();
  const type = async (within: ParentNode, selector: string, text: string) => {
    const field = within.querySelector<HTMLInputElement | HTMLTextAreaElement>(selector)!;
    field.value = text;
    field.dispatchEvent(new Event('input'));
    await settled();
  };
  const field = (within: ParentNode) => within.querySelector('medr1-source-editor')!.shadowRoot!.querySelector('textarea')!;
  const write = async (within: ParentNode, text: string) => {
    field(within).value = text;
    field(within).dispatchEvent(new Event('input'));
    await settled();
  };
  return { ...shown, type, field, write, own: () => rules.querySelector('medr1-own-rules')!.shadowRoot! };
}

it('lists what is seen now, the gravest first, then what was seen, with why and since when', async () => {
  const { root, alert } = await view();
  const lists = [...root.querySelectorAll('ul')].map((list) => [
    list.getAttribute('aria-label'),
    [...list.querySelectorAll<HTMLElement>('li')].map((item) => item.dataset.rule),
  ]);
  expect(lists).toEqual([
    ['Seen now', ['truncated', 'reward_flat']],
    ['Seen earlier', ['format_saturated']],
  ]);
  expect(alert('truncated').textContent).toMatch(/since step 121[\s\S]*61 % of the completions[\s\S]*has no end/);
  expect(alert('format_saturated').textContent).toContain('steps 64 to 90');
});

it('opens the rollouts that show it, filtered', async () => {
  const { alert, press, commands } = await view();
  await press(alert('truncated'), '[data-testid=evidence]');
  expect(workbench.selection.value).toMatchObject({ runs: ['r'], step: 121 });
  expect(workbench.rollouts.state.value.shown).toBe('cut');
  expect(commands.map(({ id }) => id)).toEqual(['open-rollouts']);
});

it('opens a remedy as a draft to be looked at: settings, weights, a fork. Nothing is changed by it', async () => {
  const { alert, press, commands, connector } = await view();
  await press(alert('truncated'), '[data-kind=settings]');
  expect(workbench.settingDrafts.value).toEqual({ r: { max_completion_length: '96' } });
  await press(alert('format_saturated'), '[data-kind=weights]');
  expect(workbench.rewardDrafts.of('r')).toMatchObject({
    weights: { accuracy: 1, format: 0.2 },
    reason: 'A reward is at its ceiling (step 64)',
  });
  await press(alert('truncated'), '[data-kind=fork]');
  expect(commands).toEqual([
    { id: 'open-rewards', args: {} },
    { id: 'open-rewards', args: {} },
    { id: 'fork-run', args: { id: 'r', step: '120', settings: 'loss_type = dr_grpo' } },
  ]);
  expect(connector.calls.some(([name]) => ['editSettings', 'editRewards', 'fork', 'rollback'].includes(name as string))).toBe(false);
});

it('rolls a run back that does not train, when asked twice', async () => {
  const training = await view();
  expect(training.alert('truncated').querySelector<HTMLButtonElement>('[data-kind=rollback]')!.disabled).toBe(true);
  document.body.replaceChildren();
  workbench.dispose();
  const { alert, press, connector } = await view({}, 'finished');
  expect(alert('truncated').querySelector<HTMLButtonElement>('[data-kind=settings]')!.disabled).toBe(true);
  await press(alert('truncated'), '[data-kind=rollback]');
  expect(connector.calls.some(([name]) => name === 'rollback')).toBe(false);
  await press(alert('truncated'), '[data-testid=sure]');
  expect(connector.calls).toContainEqual(['rollback', 'r', 120]);
});

it('snoozes a rule of the run, and tells it again', async () => {
  const { alert, press, connector, root } = await view();
  await press(alert('truncated'), '[data-testid=snooze]');
  expect(connector.calls).toContainEqual(['alertSettings', 'r', { snoozed: { truncated: 193 } }]);
  expect(root.querySelector('ul[aria-label=Snoozed]')!.textContent).toContain('cut off');
  await press(alert('truncated'), '[data-testid=wake]');
  expect(root.querySelector('ul[aria-label=Snoozed]')).toBeNull();
});

it('changes thresholds and switches rules off, for the run or for all', async () => {
  const { press, connector, root } = await view();
  const rules = root.querySelector('medr1-alert-rules')!.shadowRoot!;
  await press(rules, 'summary');
  rules.querySelector('details')!.open = true;
  await settled();
  const type = async (text: string) => {
    const input = rules.querySelector<HTMLInputElement>('[data-threshold=share]')!;
    input.value = text;
    input.dispatchEvent(new Event('change'));
    await settled();
  };
  await type('0.3');
  expect(connector.alertSettingsOfRun.thresholds).toEqual({ truncated: { share: 0.3 } });
  await type('');
  expect(connector.alertSettingsOfRun.thresholds).toEqual({});
  const scope = rules.querySelector<HTMLSelectElement>('[data-testid=scope]')!;
  scope.value = 'all';
  scope.dispatchEvent(new Event('change'));
  await settled();
  await press(rules, '[data-rule=truncated] input[type=checkbox]');
  expect(connector.alertSettingsOfAll.off).toEqual(['truncated']);
});

it("adds, changes and removes rules of one's own, and keeps what was typed where the server refuses it", async () => {
  const { own, press, type, write, field, connector } = await ownRules();
  const kept = () => connector.alertSettingsOfAll.rules;
  const add = () => own().querySelector<HTMLButtonElement>('[data-testid=add-rule]')!;
  const within = (name: string) => own().querySelector<HTMLElement>(`[data-testid=own-rule][data-rule="${name}"]`)!;
  expect(add().disabled).toBe(true);
  await type(own(), '[data-testid=rule-name]', 'KL creeps');
  await write(own().querySelector('[data-testid=new-rule]')!, '(m) => {');
  const put = connector.setAlertRules;
  connector.setAlertRules = () =>
    Promise.reject(Object.assign(new Error(), { code: 'ALERT_RULE', message: 'no function', remedy: 'Write one.' }));
  await press(own(), '[data-testid=add-rule]');
  expect(own().querySelector('[role=alert]')!.textContent).toContain('no function');
  expect(field(own().querySelector('[data-testid=new-rule]')!).value).toBe('(m) => {');
  connector.setAlertRules = put;
  await write(own().querySelector('[data-testid=new-rule]')!, '(m) => m.step > 9');
  await press(own(), '[data-testid=add-rule]');
  expect(kept()).toEqual({ 'KL creeps': '(m) => m.step > 9' });
  expect(own().querySelector<HTMLInputElement>('[data-testid=rule-name]')!.value).toBe('');
  await type(own(), '[data-testid=rule-name]', 'KL creeps');
  await write(own().querySelector('[data-testid=new-rule]')!, '() => true');
  expect(add().disabled).toBe(true); // another of this name would take its place

  await write(within('KL creeps'), '(m) => m.step > 99');
  await press(within('KL creeps'), '[data-testid=save-rule]');
  expect(kept()).toEqual({ 'KL creeps': '(m) => m.step > 99' });
  await press(within('KL creeps'), '[data-testid=remove-rule]');
  expect(kept()).toEqual({});
  expect(within('KL creeps')).toBeNull();
});

it('marks what is wrong with a rule at its line while it is written, and metrics that nothing logs', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { own, write, connector } = await ownRules();
    const rule = own().querySelector('[data-testid=new-rule]')!;
    const marks = () =>
      [...rule.querySelector('medr1-source-editor')!.shadowRoot!.querySelectorAll('[role=note]')].map((one) => one.textContent.trim());
    const checks = () => connector.calls.filter(([name]) => name === 'checkAlertRule').map(([, source]) => source);
    await write(rule, "(m) => {\n  return m.now('entrpy')");
    expect(marks()).toEqual(['⚠ line 2 No run logs a metric entrpy; did you mean entropy?']);
    await write(rule, "(m) => {\n  return m.now('entropy')");
    expect(checks()).toEqual([]); // it is asked once the keys are still
    vi.runAllTimers();
    await settled();
    expect([checks(), marks()]).toEqual([["(m) => {\n  return m.now('entropy')"], ['⚠ line 2 expected }']]);
    await write(rule, "(m) => {\n  return m.now('entropy') }");
    expect(marks()).toEqual([]); // what was found is of another text
    vi.runAllTimers();
    await settled();
    expect(marks()).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

it('says which of the own rules are silent in the run, and why', async () => {
  const { own } = await ownRules((connector) => {
    connector.alertSettingsOfAll.rules = { mine: '(m) => m.gone.there', other: '() => false' };
    const alerts = connector.alerts;
    connector.alerts = async (id) => ({ ...(await alerts(id)), failures: { mine: 'gone is undefined' } });
  });
  const summaries = [...own().querySelectorAll('[data-testid=own-rule] summary')].map(({ textContent }) =>
    textContent!.replace(/\s+/g, ' ').trim(),
  );
  expect(summaries).toEqual(['mine ⚠ silent: gone is undefined', 'other']);
});

it('sets the address of the webhook and switches it off', async () => {
  const { own, press, type, connector } = await ownRules();
  await type(own(), '[data-testid=webhook]', ' https://chat.example/hook ');
  await press(own(), '[data-testid=save-webhook]');
  expect(connector.alertSettingsOfAll.webhook).toBe('https://chat.example/hook');
  expect(own().querySelector<HTMLButtonElement>('[data-testid=save-webhook]')!.disabled).toBe(true);
  await press(own(), '[data-testid=webhook-off]');
  expect(connector.alertSettingsOfAll.webhook).toBeNull();
  expect(own().querySelector<HTMLInputElement>('[data-testid=webhook]')!.value).toBe('');
});

it('shows hostile text as text, and says so when nothing was seen', async () => {
  const hostile = { ...ALERTS[2], title: '<img src=x onerror=alert(1)>', seen: '\u202e<script>alert(1)</script>' };
  const { root, alert } = await view({ alerts: [hostile] });
  expect(alert('truncated').querySelector('img, script')).toBeNull();
  expect(root.textContent).toContain('<script>');
  document.body.replaceChildren();
  workbench.dispose();
  const { root: none } = await view({ alerts: [] });
  expect(none.querySelector('[data-testid=nothing-seen]')!.textContent).toMatch(/seen nothing in\s+steps 1 to 143/);
});
