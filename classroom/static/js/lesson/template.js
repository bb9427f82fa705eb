/** The lesson's HTML before it has data. */

const HEADINGS = [
  ["step", "Step"], ["time", "ms"], ["action text-column", "Action"], ["plain text-column lesson-plain", "State"],
  ["before text-column lesson-technical", "State before"], ["after text-column lesson-technical", "State after"],
  ["message text-column", "Message"],
  ["direction text-column", '<span aria-hidden="true">⇄</span><span class="visually-hidden">Direction</span>'],
  ["bytes", "Bytes"],
].map(([name, heading]) => `<th role="columnheader" scope="col" class="${name}">${heading}</th>`).join("");

export const TEMPLATE = `
<div class="lesson stack" data-technical="false">
  <div class="lesson-sight">
    <div class="panel lesson-head">
      <h2>Why WebSockets make real time possible</h2>
      <p class="soft lesson-reason">One request opens a channel that stays: the server speaks the moment something happens.</p>
      <div class="row lesson-controls">
        <div class="row lesson-versions" role="group" aria-label="Version of the program">
          <button type="button" class="button" data-sample="once" title="Answers one message">Single echo</button>
          <button type="button" class="button" data-sample="loop" title="Answers every message">Loop</button>
          <button type="button" class="button" data-sample="push" title="Speaks first, once a second">Push</button>
        </div>
        <button type="button" class="button button-strong" data-action="play">Play it</button>
        <span class="lesson-divider" aria-hidden="true"></span>
        <button type="button" class="button" data-action="connect">Connect</button>
        <form class="row lesson-say">
          <label class="visually-hidden" for="lesson-message">Message to the server</label>
          <input id="lesson-message" class="lesson-input" value="Hello" autocomplete="off">
          <button type="submit" class="button" data-action="send">Send</button>
        </form>
        <button type="button" class="button" data-action="bye" title="The loop closes when it reads “Bye”">Server closes</button>
        <button type="button" class="button" data-action="close">Close here</button>
        <output class="lesson-state" aria-label="Connection"></output>
      </div>
      <p class="wrong lesson-refusal" role="alert" hidden></p>
    </div>

    <ol class="lesson-flow" aria-label="Concept flow: a WebSocket, and polling below it"></ol>

    <section class="panel lesson-program" aria-label="Program">
      <div class="code lesson-code" tabindex="0" role="region" aria-label="Source, as shipped and as run"></div>
    </section>
    <section class="panel lesson-variables" aria-labelledby="lesson-tracker-title">
      <div class="row">
        <h3 id="lesson-tracker-title">Variables</h3>
        <label class="small lesson-switch"><input type="checkbox" data-switch="technical"> Technical states</label>
      </div>
      <table class="lesson-tracker"><thead><tr></tr></thead><tbody></tbody></table>
    </section>
    <section class="panel lesson-execution" aria-labelledby="lesson-table-title">
      <div class="row lesson-table-head">
        <h3 id="lesson-table-title">Execution</h3>
        <label class="row small lesson-runs">Run <select class="lesson-run"></select></label>
        <span class="row lesson-stepper">
          <button type="button" class="button" data-action="back" aria-label="One step back"><kbd>←</kbd></button>
          <output class="lesson-at" aria-live="polite"></output>
          <button type="button" class="button" data-action="forward" aria-label="One step forward"><kbd>→</kbd></button>
        </span>
      </div>
      <div class="lesson-scroll" tabindex="0" role="region" aria-labelledby="lesson-table-title">
        <table class="lesson-table" role="table">
          <thead role="rowgroup"><tr role="row">${HEADINGS}</tr></thead>
          <tbody role="rowgroup"></tbody>
        </table>
        <p class="lesson-empty soft">Nothing has happened yet. <b>Play it</b>, or <b>Connect</b> and go step by step.</p>
      </div>
    </section>
    <section class="panel lesson-quiz" aria-labelledby="lesson-quiz-title">
      <div class="row">
        <h3 id="lesson-quiz-title">Quiz</h3>
        <output class="lesson-score" aria-label="Score"></output>
        <span class="row lesson-quiz-tools" hidden>
          <button type="button" class="button" data-action="hint" disabled>Hint</button>
          <button type="button" class="button" data-action="quiz-back" aria-label="Question before" disabled>‹</button>
          <output class="lesson-question-at" aria-label="Question"></output>
          <button type="button" class="button" data-action="quiz-forward" aria-label="Next question" disabled>›</button>
        </span>
      </div>
      <p class="soft lesson-quiz-about"></p>
      <div class="lesson-questions" tabindex="0" role="region" aria-labelledby="lesson-quiz-title"></div>
    </section>
  </div>

  <p class="small soft lesson-error-note"></p>

  <div class="lesson-pair">
    <section class="panel stack lesson-bug" aria-labelledby="lesson-bug-title">
      <h3 id="lesson-bug-title">Spot the bug</h3>
      <p>The single echo is often taught with this sentence:</p>
      <blockquote class="lesson-claim"></blockquote>
      <fieldset class="lesson-options" role="radiogroup" aria-labelledby="lesson-bug-question"><legend id="lesson-bug-question">What is wrong with it?</legend></fieldset>
      <div><button type="button" class="button" data-action="bug" disabled>Run it and see</button></div>
      <div class="lesson-verdict" aria-live="polite"></div>
    </section>
    <section class="panel stack lesson-moments" aria-labelledby="lesson-moments-title">
      <h3 id="lesson-moments-title">Key moments</h3>
    </section>
  </div>

  <div class="lesson-pair">
    <section class="panel stack lesson-snapshot" aria-labelledby="lesson-snapshot-title">
      <h3 id="lesson-snapshot-title">In five sentences</h3>
      <ol class="lesson-sentences"></ol>
    </section>
    <section class="panel stack lesson-told" aria-labelledby="lesson-transcript-title">
      <div class="row">
        <h3 id="lesson-transcript-title">Transcript</h3>
        <span class="small soft lesson-copied" role="status"></span>
        <button type="button" class="button" data-action="copy">Copy</button>
      </div>
      <p class="small soft">The run once more as text, to read aloud, to hear, or to copy into notes: one sentence for each step, in the order
        in which they happened. Each says how long after the first step it was, on which side and which line of the program, what was
        sent to whom in how many bytes of the wire, and what that changed. A line stays marked for as long as the program waits on it.</p>
      <div class="lesson-transcript" tabindex="0" role="region" aria-labelledby="lesson-transcript-title"><ol></ol></div>
    </section>
  </div>
</div>`;
