/**
 * What the drawn images can show and what is asked about it: the sample's whole vocabulary.
 * Everything here is invented; nothing in the sample says anything about real medicine.
 */

/** `type`: the raw modality_type strings of OmniMedVQA, its missing bracket and "Mag-netic" included. */
export const MODALITIES = {
  CT: 'CT(Computed Tomography)',
  MRI: 'MR (Mag-netic Resonance Imaging)',
  radiograph: 'X-Ray',
  ultrasound: 'ultrasound',
  dermoscopy: 'Dermoscopy',
  fundus: 'Fundus Photography',
  OCT: 'OCT (Optical Coherence Tomography',
  microscopy: 'Microscopy Images',
} as const;
export type Modality = keyof typeof MODALITIES;

/** The sample's data sets: one body part each. Names hold spaces and "&", file names brackets, as OmniMedVQA's do. */
export const DATASETS = [
  { name: 'Synthetic CT Lung', modality: 'CT', anatomy: 'lung', file: 'ct_lung_{n}.png' },
  { name: 'Synthetic CT Liver', modality: 'CT', anatomy: 'liver', file: 'ct_liver_{n}.png' },
  { name: 'Synthetic Head MRI', modality: 'MRI', anatomy: 'brain', file: 'axial (slice {n}).png' },
  { name: 'Synthetic Knee MRI', modality: 'MRI', anatomy: 'knee', file: 'sagittal (slice {n}).png' },
  { name: 'Synthetic Hand X-Ray', modality: 'radiograph', anatomy: 'hand', file: 'hand_{n}.png' },
  { name: 'Synthetic Chest X-Ray PA', modality: 'radiograph', anatomy: 'chest', file: 'PA {n}.png' },
  { name: 'Synthetic Kidney Ultrasound', modality: 'ultrasound', anatomy: 'kidney', file: 'us_kidney_{n}.png' },
  { name: 'Synthetic Thyroid Ultrasound', modality: 'ultrasound', anatomy: 'thyroid', file: 'us_thyroid_{n}.png' },
  { name: 'Synthetic Skin 2026', modality: 'dermoscopy', anatomy: 'skin', file: 'SYN_{n}.png' },
  { name: 'Synthetic Nail & Hair', modality: 'dermoscopy', anatomy: 'nail', file: 'nail {n}.png' },
  { name: 'Synthetic Retina & Disc', modality: 'fundus', anatomy: 'retina', file: 'Im{n}_f_SYN.png' },
  { name: 'Synthetic Iris', modality: 'fundus', anatomy: 'iris', file: 'iris{n}.png' },
  { name: 'Synthetic OCT & Macula', modality: 'OCT', anatomy: 'macula', file: 'MACULA-{n}-1.png' },
  { name: 'Synthetic- Cornea Data', modality: 'OCT', anatomy: 'cornea', file: 'CORNEA-{n}-1.png' },
  { name: 'Synthetic Blood Cell', modality: 'microscopy', anatomy: 'blood', file: 'BloodImage_{n}.png' },
  { name: 'Synthetic Colon 100', modality: 'microscopy', anatomy: 'colon', file: 'TUM-{n}.png' },
] as const satisfies readonly { name: string; modality: Modality; anatomy: string; file: string }[];
export type Anatomy = (typeof DATASETS)[number]['anatomy'];

/** A finding's kind shows as a shape and a colour; colour because a model this small learns it in minutes, shape alone not. */
export const FINDINGS = {
  nodule: { shape: 'disc', colour: 'yellow', rgb: [250, 220, 20] },
  cyst: { shape: 'ring', colour: 'blue', rgb: [30, 70, 255] },
  tumor: { shape: 'star', colour: 'red', rgb: [245, 15, 15] },
  fissure: { shape: 'bar', colour: 'green', rgb: [20, 215, 50] },
} as const satisfies Record<string, { shape: string; colour: string; rgb: [number, number, number] }>;
export type Finding = keyof typeof FINDINGS;

/** Radius in pixels of a 112 x 112 image, and the grade that the size stands for. */
export const SIZES = {
  small: { radius: 6, grade: 'mild' },
  medium: { radius: 11, grade: 'moderate' },
  large: { radius: 17, grade: 'severe' },
} as const satisfies Record<string, { radius: number; grade: string }>;
export type Size = keyof typeof SIZES;

/** Centre in pixels. */
export const PLACES = {
  left: [22, 56],
  right: [90, 56],
  top: [56, 22],
  bottom: [56, 90],
  centre: [56, 56],
} as const satisfies Record<string, [number, number]>;
export type Place = keyof typeof PLACES;

export interface Lesion {
  finding: Finding;
  size: Size;
  place: Place;
}

/** What one image shows. `lesion` null: a normal image. */
export interface Scene {
  modality: Modality;
  anatomy: Anatomy;
  lesion: Lesion | null;
}

const keys = <K extends string>(table: Record<K, unknown>) => Object.keys(table) as K[];
export const FINDING_NAMES = keys(FINDINGS);
export const SIZE_NAMES = keys(SIZES);
export const PLACE_NAMES = keys(PLACES);

/** OmniMedVQA's five question types: how each asks, its answers' pool, and the right answer for a scene (null: not asked). */
export const QUESTION_TYPES = {
  'Modality Recognition': {
    ask: ['What imaging technique was used to take this image?', 'Which modality is shown in this image?'],
    pool: keys(MODALITIES),
    answer: (scene: Scene): string | null => scene.modality,
  },
  'Anatomy Identification': {
    ask: ['Which body part is shown in this image?', 'What anatomy does this image show?'],
    pool: DATASETS.map((d) => d.anatomy),
    answer: (scene: Scene): string | null => scene.anatomy,
  },
  'Disease Diagnosis': {
    ask: ['What finding is visible in this image?', 'Which diagnosis fits this image?'],
    pool: [...FINDING_NAMES, 'normal'],
    answer: (scene: Scene): string | null => scene.lesion?.finding ?? 'normal',
  },
  'Lesion Grading': {
    ask: ['How severe is the lesion in this image?', 'What is the grade of the lesion in this image?'],
    pool: [...SIZE_NAMES.map((size) => SIZES[size].grade), 'none'],
    answer: (scene: Scene): string | null => (scene.lesion ? SIZES[scene.lesion.size].grade : 'none'),
  },
  'Other Biological Attributes': {
    ask: ['Where is the lesion in this image?', 'In which part of this image is the lesion?'],
    pool: PLACE_NAMES,
    answer: (scene: Scene): string | null => scene.lesion?.place ?? null,
  },
} as const satisfies Record<string, { ask: string[]; pool: string[]; answer: (scene: Scene) => string | null }>;
export type QuestionType = keyof typeof QUESTION_TYPES;
export const QUESTION_TYPE_NAMES = keys(QUESTION_TYPES);
