import Primitives
import Testing

/// The examples of RIPEMD-160's authors.
@Suite struct RIPEMD160Tests {
  @Test(arguments: [
    ("", "9c1185a5c5e9fc54612808977ee8f548b2258d31"), ("a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
    ("abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ("message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
    ("abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"),
    (
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "9b752e45573d4b39f4dbd3323cab82bf63326bfb"
    ),
  ])
  func examples(text: String, digest: String) {
    #expect(RIPEMD160.hash(Array(text.utf8)) == hex(digest))
  }
}
