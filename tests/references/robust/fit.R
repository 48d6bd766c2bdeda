# CR2 standard errors and Satterthwaite's degrees of freedom of clubSandwich, on our own data.
#     Rscript tests/references/robust/fit.R   (from the root; writes fits.csv and sessionInfo.txt)
suppressPackageStartupMessages(library(clubSandwich))
here <- "tests/references/robust"
models <- list(
  crossed = list(file = "tests/references/mixed/data/crossed.csv", formula = y ~ x + c + z, by = "b"),
  slopes = list(file = "tests/references/mixed/data/slopes.csv", formula = y ~ x, by = "g"),
  few = list(file = file.path(here, "few.csv"), formula = y ~ x + w, by = "g")
)
rows <- list()
for (name in names(models)) {
  m <- models[[name]]
  d <- read.csv(m$file, stringsAsFactors = TRUE)
  fit <- lm(m$formula, data = d)
  test <- coef_test(fit, vcov = "CR2", cluster = d[[m$by]], test = "Satterthwaite")
  rows[[name]] <- data.frame(model = name, term = names(coef(fit)), estimate = unname(coef(fit)),
    std_error = test$SE, df = test$df, p_value = test$p_Satt)
}
out <- do.call(rbind, rows)
for (v in c("estimate", "std_error", "df", "p_value")) out[[v]] <- format(out[[v]], digits = 15, trim = TRUE)
write.csv(out, file.path(here, "fits.csv"), row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
