# The restricted likelihood ratio test of RLRsim and lme4's parametric bootstrap, on our own data.
#     Rscript tests/references/robust/simulated.R [MODEL ...]   (from the root; writes simulated.csv; 5 minutes)
suppressPackageStartupMessages(library(lme4))
here <- "tests/references/robust"
models <- list(
  few = list(file = file.path(here, "few.csv"), formula = y ~ x + w + (1 | g)),
  alone = list(file = file.path(here, "few.csv"), formula = y ~ 1 + (1 | g)),
  singular = list(file = "tests/references/mixed/data/singular.csv", formula = y ~ x + (1 | g)),
  slopes = list(file = "tests/references/slopes/data/simulated.csv", formula = y ~ x + (x | g))
)
rows <- list()
put <- function(model, quantity, term, value)
  rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, value = format(value, digits = 10))
chosen <- commandArgs(trailingOnly = TRUE) # some models; what is there of others stays
for (name in names(models)) if (!length(chosen) || name %in% chosen) {
  m <- lmer(models[[name]]$formula, read.csv(models[[name]]$file, stringsAsFactors = TRUE))
  set.seed(1)
  if (name != "slopes") {
    test <- RLRsim::exactRLRT(m, nsim = 1e6)
    put(name, "statistic", "", unname(test$statistic))
    put(name, "p_value", "", unname(test$p.value))
  }
  if (!name %in% c("few", "slopes")) next
  limits <- suppressMessages(suppressWarnings(confint(m, method = "boot", nsim = if (name == "few") 4000 else 1000, seed = 1,
                                                      oldNames = name == "few")))
  for (i in seq_len(nrow(limits))) {
    put(name, "lower", rownames(limits)[i], limits[i, 1])
    put(name, "upper", rownames(limits)[i], limits[i, 2])
  }
}
file <- file.path(here, "simulated.csv")
before <- if (length(chosen)) read.csv(file, colClasses = "character")
found <- rbind(before[!before$model %in% chosen, ], do.call(rbind, rows))
write.csv(found, file, row.names = FALSE, quote = FALSE)
