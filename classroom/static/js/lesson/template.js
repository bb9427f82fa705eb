// The lesson's skeleton. What is measured is filled in by the views.

export const TEMPLATE = `
<div class="lesson stack">
  <div class="panel lesson-head">
    <div class="lesson-intro">
      <h2>The lesson, live</h2>
      <p class="soft">A WebSocket of this page and the FastAPI handler that answers it, noted step by step as it happens.</p>
    </div>
    <output class="lesson-state"></output>
    <div class="row lesson-controls">
      <div class="row lesson-versions" role="group" aria-label="Version of the program">
        <button type="button" class="button" data-sample="once">Single echo</button>
        <button type="button" class="button" data-sample="loop">Loop</button>
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
    </div>
    <p class="wrong lesson-refusal" role="alert" hidden></p>
  </div>

  <ol class="lesson-flow" aria-label="Concept flow: a WebSocket, and polling beside it"></ol>

  <div class="lesson-main">
    <div class="stack lesson-left">
      <section class="panel" aria-labelledby="lesson-code-title">
        <h3 id="lesson-code-title"><code class="lesson-file"></code></h3>
        <pre class="lesson-code scroll-x" tabindex="0" role="region" aria-label="Source, as shipped and as run"><code></code></pre>
      </section>
      <section class="panel" aria-labelledby="lesson-tracker-title">
        <h3 id="lesson-tracker-title">Variables</h3>
        <dl class="lesson-tracker"></dl>
      </section>
    </div>
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
          <thead role="rowgroup"><tr role="row">
            <th role="columnheader" scope="col">Step</th><th role="columnheader" scope="col">Time</th><th role="columnheader" scope="col" class="text-column">Action</th>
            <th role="columnheader" scope="col" class="text-column">State before</th><th role="columnheader" scope="col" class="text-column">State after</th>
            <th role="columnheader" scope="col" class="text-column">Message</th><th role="columnheader" scope="col" class="text-column lesson-direction"><span aria-hidden="true">⇄</span><span class="visually-hidden">Direction</span></th><th role="columnheader" scope="col">Bytes</th>
          </tr></thead>
          <tbody role="rowgroup"></tbody>
        </table>
        <p class="lesson-empty soft">Nothing has happened yet. <b>Play it</b>, or <b>Connect</b> and go step by step.</p>
      </div>
      <p class="small soft lesson-error-note"></p>
    </section>
  </div>

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
    <section class="panel stack lesson-quiz" aria-labelledby="lesson-quiz-title">
      <h3 id="lesson-quiz-title">Quiz</h3>
      <p class="soft lesson-quiz-about"></p>
      <div class="stack lesson-questions"></div>
    </section>
    <section class="panel stack lesson-snapshot" aria-labelledby="lesson-snapshot-title">
      <h3 id="lesson-snapshot-title">In four sentences</h3>
      <ol class="lesson-sentences"></ol>
      <div class="row lesson-transcript-head">
        <h3 id="lesson-transcript-title">Transcript</h3>
        <span class="small soft lesson-copied" role="status"></span>
        <button type="button" class="button" data-action="copy">Copy</button>
      </div>
      <div class="lesson-transcript" tabindex="0" role="region" aria-labelledby="lesson-transcript-title"><ol></ol></div>
    </section>
  </div>
</div>`;
