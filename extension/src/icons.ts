import { LabIcon } from '@jupyterlab/ui-components';
import audit from '../style/icons/audit.svg';
import curves from '../style/icons/curves.svg';
import evaluation from '../style/icons/evaluation.svg';
import medr1 from '../style/icons/medr1.svg';
import newRun from '../style/icons/new-run.svg';
import rewards from '../style/icons/rewards.svg';
import rollouts from '../style/icons/rollouts.svg';
import sample from '../style/icons/sample.svg';

export const medr1Icon = new LabIcon({ name: 'medr1:workbench', svgstr: medr1 });
export const curvesIcon = new LabIcon({ name: 'medr1:curves', svgstr: curves });
export const rolloutsIcon = new LabIcon({ name: 'medr1:rollouts', svgstr: rollouts });
export const rewardsIcon = new LabIcon({ name: 'medr1:rewards', svgstr: rewards });
export const newRunIcon = new LabIcon({ name: 'medr1:new-run', svgstr: newRun });
export const sampleIcon = new LabIcon({ name: 'medr1:sample', svgstr: sample });
export const auditIcon = new LabIcon({ name: 'medr1:audit', svgstr: audit });
export const evaluationIcon = new LabIcon({ name: 'medr1:evaluation', svgstr: evaluation });
