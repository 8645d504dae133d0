/**
 * Pixels of an uncompressed DICOM file, by dicom-parser. Values are modality values (Hounsfield units for CT) before any window;
 * the window is the file's first one, or else the range of the values.
 */
import dicomParser, { type DataSet } from 'dicom-parser';
import { inflateRawSync } from 'node:zlib';
import { MAX_IMAGE_PIXELS, ImageError } from './open.ts';
import type { Picture } from './types.ts';
import { rangeOf, type Window } from './window.ts';

/** Transfer syntaxes whose pixels lie in the file as they are. PS3.5 section 10 and annex A. */
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const UNCOMPRESSED = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99', BIG_ENDIAN]);

/** First frame of the file. Throws ImageError for compressed, palette-coloured and truncated files. */
export function readDicom(bytes: Uint8Array, image: string): Picture {
  const dicom = parse(bytes, image);
  const syntax = dicom.string('x00020010') ?? '1.2.840.10008.1.2';
  if (!UNCOMPRESSED.has(syntax)) throw new ImageError('image-compressed-dicom', image);
  const number = (tag: string, fallback = 0) => dicom.uint16(tag) ?? fallback;
  const [height, width, bits, samples] = [number('x00280010'), number('x00280011'), number('x00280100', 16), number('x00280002', 1)];
  const photometric = dicom.string('x00280004') ?? 'MONOCHROME2';
  const pixels = dicom.elements['x7fe00010'];
  if (!pixels || width === 0 || height === 0 || ![8, 16, 32].includes(bits)) throw new ImageError('image-format', image); // a report, a plan, a mask of bits
  if (pixels.encapsulatedPixelData) throw new ImageError('image-compressed-dicom', image);
  if (width * height > MAX_IMAGE_PIXELS) throw new ImageError('image-too-large', image);
  if (photometric === 'YBR_FULL_422' || (samples !== 1 && samples !== 3)) throw new ImageError('image-format', image);
  const count = width * height * samples;
  const size = (count * bits) / 8;
  const data = dicom.byteArray.subarray(pixels.dataOffset, pixels.dataOffset + Math.min(size, pixels.length));
  if (data.length < size) throw new ImageError('image-unreadable', image);
  const study = dicom.string('x0020000d') ?? null;
  if (samples === 3 && bits === 8) {
    const rgb = interleaved(data, width * height, number('x00280006') === 1);
    if (photometric === 'YBR_FULL') toRgb(rgb);
    else if (photometric !== 'RGB') throw new ImageError('image-format', image);
    return { kind: 'rgb', width, height, data: rgb, study };
  }
  if (samples !== 1 || !photometric.startsWith('MONOCHROME')) throw new ImageError('image-format', image);
  const values = modalityValues(dicom, data, count, bits, syntax === BIG_ENDIAN);
  return { kind: 'grey', width, height, values, window: windowOf(dicom, values), inverted: photometric === 'MONOCHROME1', study };
}

function parse(bytes: Uint8Array, image: string): DataSet {
  const inflater = (all: Uint8Array, position: number) =>
    // the header stays as it is; the rest of a deflated file is unpacked behind it
    Buffer.concat([all.subarray(0, position), inflateRawSync(all.subarray(position), { maxOutputLength: 4 * MAX_IMAGE_PIXELS })]);
  try {
    return dicomParser.parseDicom(bytes, { inflater });
  } catch (cause) {
    throw new ImageError('image-unreadable', image, cause);
  }
}

/** Stored values x slope + intercept, PS3.3 C.11.1.1.2. */
function modalityValues(dicom: DataSet, data: Uint8Array, count: number, bits: number, bigEndian: boolean): Float32Array {
  const signed = dicom.uint16('x00280103') === 1;
  const [slope, intercept] = [dicom.floatString('x00281053') ?? 1, dicom.floatString('x00281052') ?? 0];
  const stored = dicom.uint16('x00280101') ?? bits;
  const shift = 32 - stored; // drops bits above those stored, and extends the sign
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const raw = bits === 8 ? data[i] : bits === 16 ? view.getUint16(2 * i, !bigEndian) : view.getUint32(4 * i, !bigEndian);
    values[i] = (signed ? (raw << shift) >> shift : (raw << shift) >>> shift) * slope + intercept;
  }
  return values;
}

function windowOf(dicom: DataSet, values: Float32Array): Window {
  const [level, width] = [dicom.floatString('x00281050'), dicom.floatString('x00281051')];
  return level !== undefined && width !== undefined && width >= 1 ? { level, width } : rangeOf(values);
}

/** Planes RRR GGG BBB -> RGB RGB RGB. */
function interleaved(data: Uint8Array, pixels: number, planar: boolean): Uint8Array {
  const rgb = Uint8Array.from(data);
  if (planar) for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[c * pixels + i];
  return rgb;
}

/** YBR_FULL -> RGB in place, PS3.3 C.7.6.3.1.2. */
function toRgb(data: Uint8Array): void {
  const clamp = (x: number) => Math.max(0, Math.min(255, Math.round(x)));
  for (let i = 0; i < data.length; i += 3) {
    const [y, cb, cr] = [data[i], data[i + 1] - 128, data[i + 2] - 128];
    data[i] = clamp(y + 1.402 * cr);
    data[i + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    data[i + 2] = clamp(y + 1.772 * cb);
  }
}
