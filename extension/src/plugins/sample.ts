import { sampleIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'sample',
  description: 'One question with its image, answers of runs, its prompt, and a model to ask.',
  command: CommandIDs.openSample,
  text: (trans) => ({
    label: trans.__('Question'),
    caption: trans.__('One question: its image, its prompt, what runs answered, and a model to ask'),
  }),
  icon: sampleIcon,
  load: () => import('@medr1/widgets/sample/view'),
  tag: 'medr1-sample',
});
