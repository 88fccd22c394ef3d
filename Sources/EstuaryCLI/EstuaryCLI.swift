// EstuaryCLI
