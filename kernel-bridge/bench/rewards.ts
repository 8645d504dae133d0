/**
 * What a user's reward function costs in its sandbox, beside the same function called directly: 64 completions of 2,000 characters, an expression and the
 * overlap of words with the right option; and a function that does nothing, which is the price of a call alone.
 */
import { rewardSource, UserReward, type RewardInput } from '../src/rewards/index.ts';
import { readArguments } from './arguments.ts';

readArguments({});

const COUNT = 64;
const CALLS = 20;
const words = 'the scan shows a small round nodule in the left upper lobe with a smooth margin and no sign of calcification'.split(' ');
const text = (i: number): string =>
  `<think>${Array.from({ length: 350 }, (_, w) => words[(w * (i + 3)) % words.length]).join(' ')}</think><answer>${'ABCD'[i % 4]}</answer>`;
const inputs = Array.from({ length: COUNT }, (_, i): RewardInput => ({
  completion: text(i),
  tokenIds: Array.from({ length: 400 }, (_, token) => token * 37),
  finishReason: 'stop',
  prompt: 'What is shown?',
  item: {
    id: `q${i}`,
    dataset: 'Made',
    question: 'What?',
    options: ['small round nodule', 'cyst'],
    answer: 'A',
    modality: 'CT',
    question_type: 'DD',
  },
}));

const OVERLAP = `(completions, { solution }) => completions.map((text, i) => {
  const answer = /<answer>(.*?)<\\/answer>/.exec(text)?.[1] ?? text;
  const seen = new Set(text.toLowerCase().split(/\\W+/));
  const wanted = solution[i].split(' ');
  return wanted.filter((word) => seen.has(word)).length / wanted.length + (answer === 'A' ? 1 : 0);
})`;
const NOTHING = '(completions) => completions.map(() => 1)';

for (const [name, body] of Object.entries({ 'word overlap': OVERLAP, nothing: NOTHING })) {
  using reward = new UserReward('mine', rewardSource('mine.js', `export default ${body};`), { variant: 'think', maxCompletionLength: 512 });
  const began = performance.now();
  await reward.score(inputs, 1);
  const first = performance.now() - began;
  const times: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    const at = performance.now();
    await reward.score(inputs, call);
    times.push(performance.now() - at);
  }
  const median = times.sort((a, b) => a - b)[CALLS / 2];
  console.log(
    `${name}: first call ${first.toFixed(0)} ms, then ${median.toFixed(1)} ms a call of ${COUNT} completions (${(median / COUNT).toFixed(2)} ms each)`,
  );
}
