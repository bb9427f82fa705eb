/** The class view's HTML before it has data, in solo mode and in class mode. */

export const SOLO = `
  <div class="panel class-solo stack">
    <h2>Nobody can join yet</h2>
    <p>This classroom was opened for its own machine only. To let phones and laptops on the same network take part, stop
      it and start it again with</p>
    <pre><code>make demo HOST=0.0.0.0</code></pre>
    <p class="soft">It then prints an address and a code, and this page shows both with a QR code. Devices need no app and
      no internet connection, only the network of this machine.</p>
  </div>`;

export const CLASS = `
  <h2 class="visually-hidden">The class</h2>
  <div class="panel class-run">
    <div class="row class-presets" role="group" aria-label="Presets"></div>
    <div class="row">
      <button class="button button-strong" type="button" data-run="start">Start again</button>
      <button class="button" type="button" data-run="stop">Stop</button>
    </div>
    <p class="lanes-status class-run-status"></p>
    <p class="small soft class-run-settings"></p>
    <p class="wrong class-run-error" role="alert" hidden></p>
  </div>
  <p class="note class-away-note" role="status" hidden>The classroom cannot be reached at the moment. Address and code are shown again when it is back.</p>
  <div class="class-grid">
    <div class="panel class-invitation">
      <div class="class-qr" role="img" aria-label="QR code of the address by which devices join"></div>
      <div class="class-how">
        <h2 class="class-title">Join with phone or laptop</h2>
        <p class="class-label">On the same network, open</p>
        <p class="class-address" data-field="join_address"></p>
        <p class="class-label">and type this code</p>
        <p class="class-code" data-field="join_code"></p>
        <p class="class-label class-others small" hidden></p>
        <p class="class-joined"><strong data-field="devices">0</strong> <span data-field="devices_word">devices</span> joined
          <span class="class-joined-by"></span></p>
      </div>
      <button class="button class-size" type="button"></button>
    </div>
    <div class="panel class-results">
      <div class="class-figures">
        <p class="class-figure"><strong data-field="devices">0</strong> <span data-field="devices_word">devices</span></p>
        <div class="row" role="group" aria-label="Transports of each device">
          <button class="button" type="button" data-assign="turns">One transport per device</button>
          <button class="button" type="button" data-assign="all">All four on every device</button>
        </div>
      </div>
      <p class="soft small class-caption">Age of each event when it reached a device (its latency); <b>line</b>: median, <b>signs</b>: each device’s
        own. Clocks agree to ±<span data-field="uncertainty_p50_ms">–</span> on half of the devices,
        ±<span data-field="uncertainty_max_ms">–</span> on all.</p>
      <div class="class-rows"></div>
      <div class="class-axis"><span></span><svg aria-hidden="true"></svg><span class="soft small">log scale</span></div>
      <p class="note small class-refused" hidden></p>
      <p class="note small class-unsure" hidden></p>
      <details>
        <summary>The same as a table, and how to read the chart</summary>
        <div class="scroll-x" tabindex="0" role="group" aria-label="This run, over all devices"><table class="class-table">
          <caption>This run, over all devices</caption>
          <thead><tr><th scope="col">Transport</th><th scope="col">Devices</th><th scope="col">Deliveries</th>
            <th scope="col">Median</th><th scope="col">95 % within</th><th scope="col">Oldest</th><th scope="col">Missed</th></tr></thead>
          <tbody></tbody>
        </table></div>
        <p class="small soft class-legend">Each bar is the share of a transport's deliveries that were so old; the tallest bar of each row is as
          high as the row. The axis is logarithmic: each grid line is ten times as long as the one before. Missed: events that
          the server never wrote to a device, though it wrote later ones. A device reports what it received; the server counts
          only what it knows it sent to that device, and no earlier than it sent it.</p>
      </details>
    </div>
  </div>`;
