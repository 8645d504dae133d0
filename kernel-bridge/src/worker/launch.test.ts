import { describe, expect, it } from 'vitest';
import { givenLaunch, launchOf, launchVariable } from './launch.ts';

const TORCHRUN = { RANK: '1', WORLD_SIZE: '4', LOCAL_RANK: '1', MASTER_ADDR: 'host', MASTER_PORT: '29400' };

describe('the variables of a launcher', () => {
  it('of torchrun: rank 0 serves the port unless the agent does', () => {
    expect(launchOf(TORCHRUN)).toEqual({ rank: 1, size: 4, localRank: 1, rendezvous: { address: 'host', port: 29400, serves: false } });
    expect(launchOf({ ...TORCHRUN, RANK: '0' })!.rendezvous).toMatchObject({ serves: true });
    expect(launchOf({ ...TORCHRUN, RANK: '0', TORCHELASTIC_USE_AGENT_STORE: 'True' })!.rendezvous).toMatchObject({ serves: false });
  });

  it('of srun: the first host of the step, a port by the job', () => {
    const srun = { SLURM_STEP_ID: '0', SLURM_PROCID: '3', SLURM_NTASKS: '8', SLURM_LOCALID: '1', SLURM_JOB_ID: '12042' };
    const at = (list: string) => launchOf({ ...srun, SLURM_STEP_NODELIST: list })!.rendezvous;
    expect(at('gpu[03-07,9],login')).toEqual({ address: 'gpu03', port: 29542, serves: false });
    expect(at('gpu[1,2]-ib')).toMatchObject({ address: 'gpu1-ib' });
    expect(at('alpha,beta')).toMatchObject({ address: 'alpha' });
    expect(launchOf({ ...srun, SLURM_STEP_NODELIST: 'a', MASTER_ADDR: 'b' })!.rendezvous).toMatchObject({ address: 'b' });
    expect(launchOf({ ...srun, SLURM_STEP_ID: undefined })).toBeNull(); // the batch script itself, which no srun started
  });

  it('of mpirun: this machine where all processes are on it', () => {
    const mpi = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_LOCAL_RANK: '0', OMPI_COMM_WORLD_LOCAL_SIZE: '2' };
    expect(launchOf(mpi)!.rendezvous).toEqual({ address: '127.0.0.1', port: 29500, serves: true });
    expect(() => launchOf({ ...mpi, OMPI_COMM_WORLD_LOCAL_SIZE: '1' })).toThrow('MASTER_ADDR is not set');
    expect(launchOf({ PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALNRANKS: '2' })).toMatchObject({ rank: 1, size: 2 });
  });

  it('of none, or of one process alone, are no launch', () => {
    expect(launchOf({})).toBeNull();
    expect(launchOf({ ...TORCHRUN, RANK: '0', WORLD_SIZE: '1' })).toBeNull();
  });

  it.each([
    [{ RANK: undefined }, 'RANK is not set'],
    [{ RANK: '4' }, 'RANK is 4, of WORLD_SIZE 4'],
    [{ RANK: 'one' }, 'RANK is "one"'],
    [{ WORLD_SIZE: '0' }, 'WORLD_SIZE is "0"'],
    [{ MASTER_PORT: 'http' }, 'MASTER_PORT is "http"'],
    [{ MASTER_ADDR: undefined }, 'MASTER_ADDR is not set'],
  ])('that are incomplete are named: %o', (changes, text) => {
    expect(() => launchOf({ ...TORCHRUN, ...changes })).toThrow(text);
  });

  it('travel to the process that trains as one', () => {
    const launch = launchOf(TORCHRUN)!;
    expect(givenLaunch(launchVariable(launch))).toEqual({ ...launch, startedBy: process.pid });
    expect(givenLaunch(TORCHRUN)).toBeNull();
  });
});
