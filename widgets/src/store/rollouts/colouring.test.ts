import { describe, expect, it } from 'vitest';
import { FakeConnector, type FakeRun } from '../../../testing/fake-connector.ts';
import { tokens } from '../../theme.ts';
import { COLOURINGS, laterUpdates, missing, SCALES, shade, type TokenFacts, type TokenQuantity } from './colouring.ts';

const facts = (changes: Partial<TokenFacts>): TokenFacts => ({ logprobs: [], ...changes });
const quantities = Object.keys(SCALES) as TokenQuantity[];

describe('shade', () => {
  it.each<[TokenQuantity, Partial<TokenFacts>, number[]]>([
    ['logprob', { logprobs: [0, Math.log(0.02) / 2, Math.log(0.02), -50] }, [0, 0.5, 1, 1]],
    ['entropy', { entropy: [0, 1.5, 3, 11] }, [0, 0.5, 1, 1]],
    ['kl', { kl: [0, 1e-3, 10 ** -1.5, 1, 40] }, [0, 0, 0.5, 1, 1]],
    ['ratio', { ratio: [1, 1.5, 1 / 1.5, 9, 0] }, [0, 1, 1, 1, 1]],
    ['advantage', { advantage: -1 }, [0.5, 0.5]],
  ])('%s grows with what it shows, up to full', (quantity, given, shares) => {
    shares.forEach((share, token) => expect(shade(quantity, facts(given), token)!.share).toBeCloseTo(share, 6));
  });

  it('two-sided ones have a colour for each side, and clipped tokens a mark beside it', () => {
    const moved = facts({ ratio: [0.8, 1.2], clipped: [false, true] });
    expect(shade('ratio', moved, 0)).toMatchObject({ colour: '--medr1-less', clipped: false });
    expect(shade('ratio', moved, 1)).toMatchObject({ colour: '--medr1-more', clipped: true });
    expect(shade('entropy', facts({ ...moved, entropy: [1, 1] }), 1)!.clipped).toBe(false);
  });

  it('what is not stored, or was not finite, has none', () => {
    for (const quantity of quantities) expect(shade(quantity, facts({ entropy: null, kl: [null] }), 0), quantity).toBeNull();
  });
});

describe('missing', () => {
  const groupsOf = (run: Partial<FakeRun>, step: number) => new FakeConnector().groupsOf({ id: 'a', steps: 9, ...run }, step, 2);
  const settings = { beta: 0.04, num_iterations: 1 };

  it.each<[TokenQuantity, Partial<FakeRun>, number, string | null]>([
    ['logprob', { old: true }, 3, null],
    ['advantage', { old: true }, 3, null],
    ['entropy', {}, 3, null],
    ['kl', {}, 3, null],
    ['entropy', { old: true }, 3, 'not stored by the version that made this step'],
    ['kl', { old: true }, 3, 'not stored by the version that made this step'],
    ['kl', { config: { beta: 0 } }, 3, 'no reference: beta is 0'],
    ['ratio', {}, 3, 'always 1: num_iterations is 1'],
    ['ratio', { config: { num_iterations: 2 } }, 3, null],
    ['ratio', { config: { num_iterations: 2 } }, 9, 'comes with the next update'],
    ['ratio', { old: true, config: { num_iterations: 2 } }, 3, 'not stored by the version that made this step'],
  ])('%s of a run %o at step %i: %s', (quantity, run, step, reason) => {
    expect(missing(quantity, groupsOf(run, step), { ...settings, ...run.config }, 9)).toBe(reason);
  });

  it('says nothing of a step that is not there yet', () => {
    for (const quantity of quantities) expect(missing(quantity, [], settings, 9)).toBeNull();
  });
});

it('rollouts are used again num_iterations - 1 times, as far as the run has come', () => {
  const twice = { beta: 0, num_iterations: 3 };
  expect([5, 6, 7, 20].map((last) => laterUpdates(5, twice, last))).toEqual([0, 1, 2, 2]);
  expect(laterUpdates(5, null, 9)).toBe(0);
  expect(laterUpdates(9, twice, 5)).toBe(0);
});

describe('colours', () => {
  const text = tokens.cssText;
  const pair = (name: string): [light: string, dark: string] => {
    const [, light, dark] = new RegExp(`${name}:[^;]*light-dark\\((#\\w+), (#\\w+)\\)`).exec(text)!;
    return [light, dark];
  };
  const linear = (channel: number): number => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4);
  const rgb = (hex: string): number[] =>
    [
      ...hex
        .slice(1)
        .replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3')
        .matchAll(/../g),
    ].map(([two]) => parseInt(two, 16) / 255);
  const luminance = (channels: number[]): number =>
    channels.map(linear).reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const shadeMost = Number(/--medr1-shade: (\d+)%/.exec(text)![1]) / 100;

  it.each(quantities.filter((quantity) => COLOURINGS[quantity]))(
    '%s leaves the text its contrast at full shade, light and dark',
    (quantity) => {
      const { above, below = above } = SCALES[quantity];
      const [text, surface, chosen] = ['--medr1-text', '--medr1-surface', '--medr1-surface-2'].map(pair);
      const papers = [0, 1].flatMap((theme) =>
        [surface, chosen].map((ground) => ({ theme, ground: ground[theme], ink: text[theme], opacity: 1 })),
      );
      papers.push({ theme: 1, ground: '#424242', ink: '#ffffff', opacity: 0.87 }); // the chosen row in JupyterLab's dark theme
      for (const { theme, ground, ink, opacity } of papers)
        for (const name of [above, below]) {
          // a transparent colour laid over the surface is mixed channel by channel
          const under = rgb(ground);
          const shaded = rgb(pair(name)[theme]).map((channel, i) => shadeMost * channel + (1 - shadeMost) * under[i]);
          const written = rgb(ink).map((channel, i) => opacity * channel + (1 - opacity) * shaded[i]);
          const [high, low] = [luminance(shaded), luminance(written)].sort((a, b) => b - a);
          expect((high + 0.05) / (low + 0.05), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
    },
  );
});
