import type { VqaItem } from '../protocol/data.ts';
import type { Fingerprint } from './image/fingerprint.ts';

/** A data set with all its questions. */
export interface WholeDataset {
  /** As it was asked for. */
  name: string;
  root: string;
  items: VqaItem[];
  /** Ids by split, in the order of the split's file. */
  splits: Map<string, string[]>;
  /** Studies by item, where the data tells them. */
  studies: Map<string, string>;
  /** What is known of the images' content; empty for a folder that was not indexed. */
  prints: Map<string, Pick<Fingerprint, 'sha256' | 'dhash' | 'windowed' | 'problem'>>;
}
