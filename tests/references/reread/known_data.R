# Public data with known rows: sufficient statistics by group, and what lme4 and nlme print of them.
# Debian: r-cran-mlmrev r-cran-nlme r-cran-lme4. Rscript known_data.R writes the two CSV files.
suppressMessages({library(lme4); library(nlme); library(mlmRev)})
sets <- list(
  exam = data.frame(y = Exam$normexam, g = as.character(Exam$school)),
  scots_primary = data.frame(y = ScotsSec$attain, g = as.character(ScotsSec$primary)),
  scots_second = data.frame(y = ScotsSec$attain, g = as.character(ScotsSec$second)),
  oats = data.frame(y = Oats$yield, g = as.character(Oats$Block))
)
groups <- do.call(rbind, lapply(names(sets), function(name) {
  d <- sets[[name]]
  part <- split(d$y, d$g)
  data.frame(set = name, group = names(part), n = lengths(part),
             mean = sprintf("%.12g", sapply(part, mean)),
             ss = sprintf("%.12g", sapply(part, function(v) sum((v - mean(v))^2))))
}))
write.csv(groups, "known_groups.csv", row.names = FALSE, quote = FALSE)
printed <- do.call(rbind, lapply(names(sets), function(name) {
  d <- sets[[name]]
  do.call(rbind, lapply(c("REML", "ML"), function(how) {
    fit <- lmer(y ~ 1 + (1 | g), data = d, REML = how == "REML")
    v <- as.data.frame(VarCorr(fit))
    data.frame(set = name, estimator = how, n = nrow(d), groups = length(unique(d$g)),
               tau2 = sprintf("%.10g", v$vcov[1]), sigma2 = sprintf("%.10g", v$vcov[2]),
               estimate = sprintf("%.10g", fixef(fit)), se = sprintf("%.10g", sqrt(vcov(fit)[1, 1])),
               criterion = sprintf("%.10g", if (how == "REML") REMLcrit(fit) else deviance(fit)))
  }))
}))
write.csv(printed, "known_printed.csv", row.names = FALSE, quote = FALSE)
