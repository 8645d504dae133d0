/** Names as people say them, for the strings that stand in files. */

/** OmniMedVQA's modality_type strings (one lacks its bracket) and Med-R1's short file names -> the name used here. */
const MODALITIES: readonly [RegExp, string][] = [
  [/^(ct|ct ?\(computed tomography\)?|computed tomography( \(ct\))?)$/, 'CT'],
  [/^(mri?|mr ?\(mag-?netic resonance imaging\)?|magnetic resonance imaging( \(mri?\))?)$/, 'MRI'],
  [/^(x-?ray|x ray|radiography)$/, 'X-Ray'],
  [/^(us|ultrasound)$/, 'Ultrasound'],
  [/^(der|dermo|dermoscopy)$/, 'Dermoscopy'],
  [/^(fundus|fundus photography)$/, 'Fundus'],
  [/^(oct|oct ?\(optical coherence tomography\)?|optical coherence tomography( \(oct\))?)$/, 'OCT'],
  [/^(micro|microscopy|microscopy images?)$/, 'Microscopy'],
];

/** Modalities in the order of Med-R1's tables. */
export const MODALITY_ORDER = ['CT', 'MRI', 'X-Ray', 'Ultrasound', 'Dermoscopy', 'Fundus', 'OCT', 'Microscopy', 'unknown'];

const squeeze = (text: string) => text.normalize('NFKC').replace(/\s+/g, ' ').trim();

/** "MR (Mag-netic Resonance Imaging)" -> "MRI"; a name that OmniMedVQA does not use stays as it is, an empty one becomes "unknown". */
export function modalityName(raw: string): string {
  const text = squeeze(raw);
  if (text === '') return 'unknown';
  const lower = text.toLowerCase();
  if (lower === 'unknown') return 'unknown';
  return MODALITIES.find(([pattern]) => pattern.test(lower))?.[1] ?? text;
}

const QUESTION_TYPES = new Map(
  Object.entries({
    'anatomy identification': 'Anatomy Identification',
    'disease diagnosis': 'Disease Diagnosis',
    'lesion grading': 'Lesion Grading',
    'modality recognition': 'Modality Recognition',
    'other biological attributes': 'Other Biological Attributes',
    'other bio': 'Other Biological Attributes',
  }),
);

export function questionTypeName(raw: string): string {
  const text = squeeze(raw);
  if (text === '') return 'unknown';
  return QUESTION_TYPES.get(text.toLowerCase()) ?? text;
}

/** What equal texts share: case, spacing and one full stop at the end do not count. */
export function normalizeText(text: string): string {
  return squeeze(text)
    .toLowerCase()
    .replace(/\s*\.$/, '');
}

/** "Images/Retinal OCT-C8/test/a.jpg" -> "Retinal OCT-C8": OmniMedVQA's `dataset`, where the record itself has none. */
export function datasetOfImage(image: string): string {
  const parts = image.split('/');
  const at = parts.indexOf('Images');
  return (at >= 0 && parts.length > at + 2 ? parts[at + 1] : parts.length > 1 ? parts[0] : '') || 'unknown';
}
