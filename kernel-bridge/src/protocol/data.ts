/** One multiple-choice question about one image, whatever file it came from. */
export interface VqaItem {
  /** Stable in its data set: OmniMedVQA's question_id, or file and row. */
  id: string;
  /** OmniMedVQA's `dataset` field, for example "ACRIMA". */
  dataset: string;
  /** Relative to the data set's root, with forward slashes. */
  image: string;
  question: string;
  /** Texts in the order A, B, C, ... */
  options: string[];
  /** Letter of the right option; null when the record names none (see `problem`). */
  answer: string | null;
  modality: string;
  question_type: string;
  /** Why the item cannot be used, a stable code such as `image-missing`; null when it can. */
  problem: string | null;
}
