/** In the toolbar: begins a recording, shows how it goes on or what is being replayed, and ends either. */
import { Button, Tooltip } from '@mantine/core';
import { IconPlayerPlayFilled, IconPlayerRecordFilled, IconPlayerStopFilled } from '@tabler/icons-react';
import { useCallback, useRef } from 'react';
import type { RecorderView } from '../../../contract/recording';
import { formatCount, formatElapsed } from '../../format';
import { useRecorderCommands } from '../../recorder-actions';
import { useStudio } from '../../studio-context';
import { useNow } from '../../ui/use-now';
import css from './recorder.module.css';
import { RecordingsMenu } from './recordings-menu';

type Phase<Name extends RecorderView['phase']> = Extract<RecorderView, { phase: Name }>;

/** Called with the button that has taken the place of another, which may have been pressed a moment ago. */
type TakeFocus = (button: HTMLButtonElement | null) => void;

export function Recorder() {
  const recorder = useStudio((state) => state.recorder);
  const { record, stop } = useRecorderCommands();
  const isPressed = useRef(false);
  const takeFocus = useCallback<TakeFocus>((button) => {
    if (!button || !isPressed.current) return;
    isPressed.current = false;
    button.focus();
  }, []);
  const pressed = (act: () => void) => () => {
    isPressed.current = true;
    act();
  };
  return (
    <div className={css.recorder}>
      {recorder.phase === 'idle' && <Record takeFocus={takeFocus} onRecord={pressed(record)} />}
      {recorder.phase === 'recording' && (
        <Recording {...recorder} takeFocus={takeFocus} onStop={pressed(stop)} />
      )}
      {recorder.phase === 'replaying' && <Replaying {...recorder} />}
      <RecordingsMenu />
    </div>
  );
}

function Record({ takeFocus, onRecord }: { takeFocus: TakeFocus; onRecord: () => void }) {
  return (
    <Tooltip label="Record what is done to the network, from every panel">
      <Button
        ref={takeFocus}
        variant="subtle"
        color="gray"
        leftSection={<IconPlayerRecordFilled size={15} className={css.red} />}
        onClick={onRecord}
      >
        Record
      </Button>
    </Tooltip>
  );
}

function Recording({
  startedAt,
  steps,
  takeFocus,
  onStop,
}: Phase<'recording'> & { takeFocus: TakeFocus; onStop: () => void }) {
  const now = useNow(1000);
  return (
    <fieldset className={css.pill} data-recording aria-label="Recording">
      <IconPlayerRecordFilled size={15} className={css.pulse} aria-hidden="true" />
      <span className={css.text}>
        Recording{' '}
        <span className="figures" role="timer">
          {formatElapsed(now - startedAt)}
        </span>{' '}
        · {formatCount(steps, 'step')}
      </span>
      <StopButton ref={takeFocus} label="Stop recording" onClick={onStop} />
    </fieldset>
  );
}

function Replaying({ name, step, steps, doing }: Phase<'replaying'>) {
  const { stopReplay } = useRecorderCommands();
  return (
    <fieldset className={css.pill} aria-label={`Replay of ${name}`}>
      <IconPlayerPlayFilled size={14} aria-hidden="true" />
      <span className={css.text} role="status" title={`${name}: ${doing}`}>
        {step > 0 && `${step} of ${steps} · `}
        {doing}
      </span>
      <StopButton label="Stop replay" onClick={stopReplay} />
    </fieldset>
  );
}

function StopButton({ label, ...props }: { label: string; onClick: () => void; ref?: TakeFocus }) {
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<IconPlayerStopFilled size={13} />}
      aria-label={label}
      {...props}
    >
      Stop
    </Button>
  );
}
