/** One part of the window that fails leaves the others working, and says so. */
import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { EmptyState } from './empty-state';

interface Props {
  /** 'topology', for "The topology cannot be shown." */
  part: string;
  /** Shows the part again, after a failure, when this changes: another node, another tab. */
  resetKey?: string;
  children: ReactNode;
}

interface State {
  error: Error | null;
  failedFor: string | undefined;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, failedFor: undefined };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    if (!state.error) return { failedFor: props.resetKey };
    return state.failedFor === props.resetKey ? null : { error: null, failedFor: props.resetKey };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <EmptyState
        title={`The ${this.props.part} cannot be shown.`}
        action={
          <>
            <Button onClick={() => this.setState({ error: null })}>Try again</Button>
            <Button variant="filled" onClick={() => location.reload()}>
              Reload the panel
            </Button>
          </>
        }
      >
        {error.message}. The nodes are not affected.
      </EmptyState>
    );
  }
}
