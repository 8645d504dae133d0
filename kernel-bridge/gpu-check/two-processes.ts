/** The same run by one process and by two that share the device: tensors go through the host, by Gloo. */
import { oneAgainstTwo } from './one-against-two.ts';
import { answer, settingOf } from './part.ts';

const { device, directory, rehearse } = await settingOf(process.argv[2]);
answer(await oneAgainstTwo(rehearse ? 'cpu' : device, directory));
