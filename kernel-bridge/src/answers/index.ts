/** Letters, tags, prompts and readings: everything that is known of the form of a question and its answer. Runs in the browser too. */
export * from './letters.ts';
export * from './prompts.ts';
export { answerStretch, exactText, readAnswer, verdict, type Stretch, type Verdict } from './readings.ts';
export { letterToken, reasoningOf, sentencesOf, type Range, type Reasoning } from './reasoning.ts';
export * from './tags.ts';
