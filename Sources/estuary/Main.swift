// The `estuary` executable; everything is in EstuaryCLI.

import EstuaryCLI

@main
struct Main {
  static func main() {
    EstuaryCommand.start()
    Terminal.flush()
  }
}
