/**
 * The index over what a run said: derived from its rollouts, made in the step's transaction, made anew where it is missing. Beside it the notes that people left on
 * completions, which nothing can make anew.
 */

/** Words of completions, by the numbers of search_step, without the texts and without the places of words. */
export const WORD_TABLE = `
CREATE VIRTUAL TABLE IF NOT EXISTS search_word USING fts5(
  text, content = '', detail = none, columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);`;

/** May run again on a database that has them. */
export const SEARCH_TABLES = `
-- what a search reads of a step (search/block.ts); "first" is the number of its first completion in search_word
CREATE TABLE IF NOT EXISTS search_step (
  step INTEGER PRIMARY KEY REFERENCES step ON DELETE CASCADE, first INTEGER NOT NULL, rows INTEGER NOT NULL, facts BLOB NOT NULL, texts BLOB NOT NULL
) STRICT;
-- those that wait to be added to search_word are the last by number, not by step: steps of before may be put into the index beside new ones
CREATE INDEX IF NOT EXISTS search_step_by_first ON search_step (first);
-- stretches of words that a step says (search/stretches.ts); a step without a row may say anything
CREATE TABLE IF NOT EXISTS search_stretch (step INTEGER PRIMARY KEY REFERENCES search_step ON DELETE CASCADE, filter BLOB NOT NULL) STRICT;
-- the least and the largest value of what a search sorts by, NULL where a step has none; a step without a row may have any
CREATE TABLE IF NOT EXISTS search_range (
  step INTEGER PRIMARY KEY REFERENCES search_step ON DELETE CASCADE,
  reward_least REAL, reward_most REAL, advantage_least REAL, advantage_most REAL, tokens_least REAL, tokens_most REAL
) STRICT;
CREATE TABLE IF NOT EXISTS search_item (
  code INTEGER PRIMARY KEY, dataset TEXT NOT NULL, item_id TEXT NOT NULL, modality TEXT NOT NULL, question_type TEXT NOT NULL, UNIQUE (dataset, item_id)
) STRICT;
CREATE TABLE IF NOT EXISTS search_function (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- numbers are never used twice: words of steps that were dropped stay in search_word and mean nothing
CREATE TABLE IF NOT EXISTS search_next (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL) STRICT;
-- texts from this number on wait to be added to search_word (search/word-index.ts); without a row none does
CREATE TABLE IF NOT EXISTS search_added (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL) STRICT;
${WORD_TABLE}
-- segments are merged less often: a step that merges takes ten times as long as one that does not
INSERT INTO search_word (search_word, rank) VALUES ('automerge', 16);
-- no reference to the completion: a resumed run computes its last steps anew, and the note is there when it has; "text" tells whether it said the same
CREATE TABLE IF NOT EXISTS note (
  step INTEGER NOT NULL, "group" INTEGER NOT NULL, "index" INTEGER NOT NULL,
  tags TEXT NOT NULL, note TEXT NOT NULL, author TEXT NOT NULL, updated_at REAL NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (step, "group", "index")
) STRICT;
`;

export const SEARCH_NAMES = [
  'search_step',
  'search_stretch',
  'search_range',
  'search_item',
  'search_function',
  'search_next',
  'search_added',
  'search_word',
  'note',
] as const;
